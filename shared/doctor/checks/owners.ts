import type { ClusterView, GroupView } from '../../domain/cluster-view.ts'
import { matchesGlob } from '../../domain/glob.ts'
import { ownerOfGroup } from '../../domain/owner.ts'
import { type Facts, known } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'

const finding = inArea('owners')

/** Whether the registry of owners, and the holds, name what there is. */
export function ownerFindings({ config, view }: Facts): Finding[] {
  const seen = known(view)
  if (seen === null) return [finding('unknown', 'owners-unknown', 'whether the rules of owners and holds match anything is not known: there was no scan')]
  const groups = [...seen.groups.values()].filter(({ groupId }) => !groupId.startsWith('__'))
  const names = { groups: groups.map(({ groupId }) => groupId), topics: [...seen.topics.keys()] }
  const partial = seen.unseen.some(({ kind }) => kind === 'groups' || kind === 'topics')
  return [...idleRules(config.owners, names, partial), ...idleHolds(config.limits.holds, names, partial), ...unowned(seen, groups, config.owners)]
}

type Names = Readonly<Record<'groups' | 'topics', readonly string[]>>
const matches = (globs: readonly string[], names: readonly string[]): boolean => globs.some(glob => names.some(name => matchesGlob(glob, name)))

function idleRules(owners: Facts['config']['owners'], { groups, topics }: Names, partial: boolean): Finding[] {
  const idle = owners.filter(rule => !matches(rule.groups, groups) && !matches(rule.topics, topics))
  const hidden = owners.filter((rule, index) => {
    const taken = groups.filter(group => rule.groups.some(glob => matchesGlob(glob, group)))
    return taken.length > 0 && taken.every(group => owners.slice(0, index).some(before => before.groups.some(glob => matchesGlob(glob, group))))
  })
  const rule = (each: Facts['config']['owners'][number]) => `${each.team} (${[...each.groups, ...each.topics].join(', ')})`
  return [
    ...(idle.length === 0
      ? []
      : [
          finding(
            partial ? 'unknown' : 'warning',
            'owner-idle',
            `${counted(idle.length, 'rule')} of owners match${idle.length === 1 ? 'es' : ''} no group and no topic: ${listed(idle.map(rule))}`,
            partial ? 'Not everything was seen.' : 'A misspelt name sends an owner nothing: the platform channel hears it instead.',
            'correct owners in the configuration'
          )
        ]),
    ...(hidden.length === 0
      ? []
      : [
          finding(
            'warning',
            'owner-hidden',
            `rules of owners that earlier ones hide: ${listed(hidden.map(rule))}`,
            'The first rule that matches a group wins.',
            'put the narrower rule first'
          )
        ])
  ]
}

function idleHolds(holds: Facts['config']['limits']['holds'], { groups, topics }: Names, partial: boolean): Finding[] {
  const idle = holds.filter(({ subject }) => !matches([subject], [...groups, ...topics]))
  if (idle.length === 0) return []
  return [
    finding(
      partial ? 'unknown' : 'warning',
      'hold-idle',
      `limits.holds protects nothing that there is: ${listed(idle.map(({ subject }) => subject))}`,
      'A misspelt name holds nothing: what it meant may be paused.',
      'correct limits.holds in the configuration'
    )
  ]
}

function unowned(view: ClusterView, groups: readonly GroupView[], owners: Facts['config']['owners']): Finding[] {
  if (groups.length === 0) return [finding('note', 'groups-none', 'the cluster has no consumer group', 'There is nothing for Reeve to judge yet.')]
  const nobodys = groups.filter(({ groupId, committed, members }) => {
    const assigned = (members ?? []).flatMap(member => [...member.assigned.keys()])
    return ownerOfGroup(owners, groupId, [...(committed?.keys() ?? []), ...assigned]) === null
  })
  if (nobodys.length === 0) return [finding('ok', 'groups-owned', `${groups.length === 1 ? 'the one group has' : `all ${groups.length} groups have`} an owner`)]
  return [
    finding(
      'note',
      'groups-unowned',
      `${nobodys.length} of ${counted(groups.length, 'group')} ha${nobodys.length === 1 ? 's' : 've'} no owner: ${listed(nobodys.map(({ groupId }) => groupId))}`,
      `Notices about them go to the platform channel. ${counted(view.topics.size, 'topic')} were looked at too, for owners by topic.`,
      'add rules to owners in the configuration'
    )
  ]
}
