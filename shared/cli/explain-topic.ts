import type { ClusterView, Unseen } from '../domain/cluster-view.ts'
import { groupTopicLags } from '../domain/lag.ts'
import { ownerOfGroup, ownerOfTopic } from '../domain/owner.ts'
import { topicCourse } from '../render/course.ts'
import { type Reader, topicText, type TopicFacts } from '../render/topic.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { drawPast, type PictureOptions, tellPast } from './past.ts'
import { type Rehearsed, rehearseAll } from './reading.ts'
import type { Cli, Session } from './session.ts'

/** So many readers are drawn, those that lag most. */
const mostDrawn = 5

export async function explainTopic(cli: Cli, session: Session, name: string, options: PictureOptions, json: boolean): Promise<void> {
  const rehearsed = await rehearseAll(cli, session)
  const view = rehearsed[0]!.rehearsal.look.observed.view
  const topic = view.topics.get(name)
  if (!topic) throw new CommandFailure(exitCodes.unanswered, `the last observation has no topic ${JSON.stringify(name)}`)
  const readers = readersOf(view, name, session, rehearsed)
  const drawnReaders = readers.slice(0, mostDrawn).map(({ group }) => group.groupId)
  let rates: TopicFacts['rates'] = new Map()
  const drawn = await drawPast(cli, session, options, {
    title: `topic ${name}`,
    subjects: new Set(readers.map(({ group }) => group.groupId)),
    course(span) {
      const course = topicCourse(name, drawnReaders, span)
      return {
        take(moment) {
          course.take(moment)
          rates = course.partitionRates()
        },
        panels: course.panels
      }
    }
  })
  const owner = ownerOfTopic(session.config.owners, name)
  const facts: TopicFacts = { topic, rates, owner, readers, configs: await configsOf(session, name), unseen: unseenOf(view, name, readers) }
  if (json) cli.out(JSON.stringify({ ...facts, rates: Object.fromEntries(rates), readers: readers.map(readerJson) }))
  else {
    cli.out(`${topicText(facts, cli.width)}\n`)
    if (readers.length > drawnReaders.length) cli.out(`drawn: the ${drawnReaders.length} of ${readers.length} readers that lag most`)
  }
  tellPast(cli, drawn, json)
}

/** Groups that have a commit in the topic or a member that reads it; those that lag most come first, those whose lag is unknown before all. */
function readersOf(view: ClusterView, topic: string, { config }: Session, rehearsed: readonly Rehearsed[]): Reader[] {
  const readers = [...view.groups.values()].flatMap((group): Reader[] => {
    const lags = groupTopicLags(view, group)
    const lag = lags.find(each => each.topic === topic)
    if (!lag) return []
    const found = ownerOfGroup(
      config.owners,
      group.groupId,
      lags.map(each => each.topic)
    )
    const said = rehearsed.flatMap(({ agent, rehearsal }) =>
      rehearsal.decision.verdicts.filter(({ subject }) => subject === group.groupId).map(verdict => ({ agent, verdict }))
    )
    return [{ group, lag, owner: found && { team: found.rule.team, by: found.by }, said }]
  })
  const rank = ({ lag }: Reader) => lag.lagMessages ?? Number.POSITIVE_INFINITY
  return readers.toSorted((a, b) => (rank(a) === rank(b) ? (a.group.groupId < b.group.groupId ? -1 : 1) : rank(b) - rank(a)))
}

/** With this command line's own principal, which may lack the right: then it says so. */
async function configsOf({ kafka }: Session, topic: string): Promise<TopicFacts['configs']> {
  try {
    const { value, unseen } = await kafka.admin.topicConfigs([topic])
    const configs = value.get(topic)
    if (!configs) return { unseen: unseen.map(({ why }) => why).join('; ') || 'no answer' }
    const set = [...configs].filter(([, { isDefault }]) => !isDefault)
    return { seen: Object.fromEntries(set.map(([name, { value: text, isSensitive }]) => [name, isSensitive ? null : text])) }
  } catch (error) {
    return { unseen: error instanceof Error ? error.message : String(error) }
  }
}

function unseenOf(view: ClusterView, topic: string, readers: readonly Reader[]): Unseen[] {
  const groups = new Set(readers.map(({ group }) => group.groupId))
  return view.unseen.filter(({ kind, id }) => {
    if (kind === 'group' || kind === 'group-offsets') return groups.has(id)
    if (kind === 'topic') return id === topic
    return kind !== 'partition' || id.slice(0, id.lastIndexOf('-')) === topic
  })
}

function readerJson({ group, lag, owner, said }: Reader): object {
  const { groupId, protocol, state, members } = group
  return { groupId, protocol, state, members: members?.length ?? null, lag, owner, said }
}
