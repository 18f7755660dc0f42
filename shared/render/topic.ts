import type { GroupView, TopicView, Unseen } from '../domain/cluster-view.ts'
import type { TopicLag } from '../domain/lag.ts'
import type { Verdict } from '../engine/agent.ts'
import { count, printable, table } from './table.ts'

export interface Reader {
  readonly group: GroupView
  /** On this topic alone. */
  readonly lag: TopicLag
  readonly owner: { readonly team: string; readonly by: 'group' | 'topic' } | null
  /** What each agent said of the group. */
  readonly said: readonly { readonly agent: string; readonly verdict: Verdict }[]
}

export interface TopicFacts {
  readonly topic: TopicView
  /** Records a second by partition; absent or null: not known. */
  readonly rates: ReadonlyMap<number, number | null>
  readonly owner: { readonly team: string; readonly channel: string } | null
  readonly readers: readonly Reader[]
  /** What differs from the broker's defaults, asked now; observations hold no configurations. */
  readonly configs: { readonly seen: Readonly<Record<string, string | null>> } | { readonly unseen: string }
  readonly unseen: readonly Unseen[]
}

/** A topic may have thousands of partitions, and hundreds of readers. */
const mostRows = 50

/** All that is known of a topic now, and what is not. */
export function topicText({ topic, rates, owner, readers, configs, unseen }: TopicFacts, width?: number): string {
  const rate = (partition: number) => {
    const known = rates.get(partition) ?? null
    return known === null ? '?' : known.toLocaleString('en-US', { maximumFractionDigits: 1 })
  }
  const partitions = topic.partitions.map(each => [
    String(each.partition),
    each.leader === null ? 'none' : String(each.leader),
    `${each.inSyncReplicas} of ${each.replicas}`,
    count(each.logStartOffset),
    count(each.highWatermark),
    count(each.lastStableOffset),
    rate(each.partition)
  ])
  const groups = readers.map(({ group, lag, owner: team, said }) => [
    group.groupId,
    group.state,
    group.members === null ? '?' : String(group.members.length),
    `${count(lag.lagMessages)}${lag.unknownPartitions > 0 ? ` and ${lag.unknownPartitions} unknown` : ''}`,
    team === null ? 'nobody' : `${team.team}${team.by === 'topic' ? ' (of the topic)' : ''}`,
    said.length === 0 ? 'nothing' : said.map(({ agent, verdict }) => `${agent}: ${verdict.state}, ${verdict.why}`).join('; ')
  ])
  const set = 'seen' in configs ? Object.entries(configs.seen) : []
  return [
    `${printable(topic.name)}: ${topic.partitions.length} partitions, id ${topic.topicId}, owner ${owner === null ? 'nobody' : printable(`${owner.team} (${owner.channel})`)}`,
    '',
    'partitions',
    ...indented(capped(['partition', 'leader', 'in sync', 'start', 'end', 'last stable', 'records/s'], partitions, width)),
    '',
    'readers',
    ...indented(
      readers.length === 0
        ? ['no group has a commit here, or a member that reads it']
        : capped(['group', 'state', 'members', 'lag', 'owner', 'said of it'], groups, width)
    ),
    '',
    'configuration (asked now; not part of the observations)',
    ...indented(
      'unseen' in configs
        ? [`not seen: ${printable(configs.unseen)}`]
        : set.length === 0
          ? ["the brokers' defaults"]
          : set.map(([name, value]) => `${name}: ${printable(value ?? '(hidden)')}`)
    ),
    ...(unseen.length === 0
      ? []
      : [
          '',
          'not seen',
          ...indented(unseen.map(({ kind, id, why }) => `${kind === 'maintenance' ? 'judgement is suspended:' : kind} ${printable(id)}: ${printable(why)}`))
        ])
  ].join('\n')
}

const indented = (lines: readonly string[]): string[] => lines.map(line => `  ${line}`)

function capped(head: readonly string[], rows: readonly (readonly string[])[], width: number | undefined): string[] {
  const lines = table(head, rows.slice(0, mostRows), width === undefined ? undefined : width - 2).split('\n')
  return rows.length > mostRows ? [...lines, `and ${rows.length - mostRows} more (--json has all)`] : lines
}
