import type { ClusterView, GroupView } from '../domain/cluster-view.ts'
import { groupTopicLags, type TopicLag } from '../domain/lag.ts'
import { toleratedAgeMs } from '../domain/observation-age.ts'
import { commitRate, growthRate, type Which } from '../domain/rate.ts'
import { timeline } from '../domain/timeline.ts'
import type { Panel } from './picture.ts'

export interface Span {
  readonly fromMs: number
  readonly untilMs: number
  /** How many stretches of time are kept apart. */
  readonly count: number
}

export interface Moment {
  readonly view: ClusterView
  readonly intervalMs: number
  readonly gap: boolean
}

/** What is drawn of one group or topic, gathered moment by moment. Holds as much as is drawn, however long the time. */
export interface Course {
  take(moment: Moment): void
  panels(): readonly Panel[]
}

/** Lag of a group, how fast its commits advance, and how fast what it reads grows. */
export function groupCourse(groupId: string, span: Span): Course {
  const lag = values(span)
  const commits = rates(span)
  const produced = rates(span)
  return {
    take(moment) {
      const { view } = moment
      const group = view.groups.get(groupId)
      const topics = group ? groupTopicLags(view, group) : []
      lag.take(moment, group ? wholeLag(group, topics) : null)
      commits.take(moment, before => commitRate(before, view, groupId))
      produced.take(moment, before => growthRate(before, view, partitionsOf(topics)))
    },
    panels: () => [
      { title: 'lag, messages', scale: 'lag', columns: lag.columns() },
      { title: 'commits a second', scale: 'rate', columns: commits.columns() },
      { title: 'produced a second', scale: 'rate', columns: produced.columns() }
    ]
  }
}

/** How fast a topic grows, and the lag of some of its readers on it. */
export function topicCourse(topic: string, readers: readonly string[], span: Span): Course & { partitionRates(): ReadonlyMap<number, number | null> } {
  const produced = rates(span)
  const lags = new Map(readers.map(groupId => [groupId, values(span)]))
  let last: Moment | null = null
  let partitionRates: ReadonlyMap<number, number | null> = new Map()
  return {
    take(moment) {
      const { view, gap } = moment
      const partitions = view.topics.get(topic)?.partitions.map(({ partition }) => partition) ?? []
      produced.take(moment, before => growthRate(before, view, new Map([[topic, partitions]])))
      for (const [groupId, lag] of lags) {
        const group = view.groups.get(groupId)
        lag.take(
          moment,
          group
            ? wholeLag(
                group,
                groupTopicLags(view, group).filter(each => each.topic === topic)
              )
            : null
        )
      }
      const before = gap ? null : last
      partitionRates = new Map(partitions.map(partition => [partition, before && growthRate(before.view, view, new Map([[topic, [partition]]]))]))
      last = moment
    },
    panels: () => [
      { title: 'produced a second', scale: 'rate', columns: produced.columns() },
      ...[...lags].map(([groupId, lag]) => ({ title: `lag of ${groupId}, messages`, scale: 'lag', columns: lag.columns() }))
    ],
    partitionRates: () => partitionRates
  }
}

/** Null where one commit's lag is unknown: a sum that leaves it out would look like catching up. */
function wholeLag(group: GroupView, topics: readonly TopicLag[]): number | null {
  const committed = topics.flatMap(({ partitions }) => partitions.filter(each => each.committed !== null))
  if (group.committed === null || committed.length === 0 || committed.some(({ lagMessages }) => lagMessages === null)) return null
  return committed.reduce((sum, { lagMessages }) => sum + lagMessages!, 0)
}

function partitionsOf(topics: readonly TopicLag[]): Which {
  return new Map(topics.map(({ topic, partitions }) => [topic, partitions.map(({ partition }) => partition)]))
}

/** A value at each moment. The last one holds until the end of the span as long as it is not too old to be known. */
function values({ fromMs, untilMs, count }: Span) {
  const line = timeline(fromMs, untilMs, count)
  let last: { value: number | null; atMs: number; toleranceMs: number } | null = null
  return {
    take({ view, intervalMs, gap }: Moment, value: number | null): void {
      line.add(view.atMs, value, gap)
      last = { value, atMs: view.atMs, toleranceMs: toleratedAgeMs(intervalMs) }
    },
    columns() {
      if (last !== null && untilMs - last.atMs <= last.toleranceMs) line.add(untilMs, last.value)
      return line.columns()
    }
  }
}

/** A rate holds from one moment to the next. Where a group was rewound it has none. */
function rates({ fromMs, untilMs, count }: Span) {
  const line = timeline(fromMs, untilMs, count)
  let before: Moment | null = null
  let last: { value: number; atMs: number; toleranceMs: number } | null = null
  return {
    take(moment: Moment, rateSince: (before: ClusterView) => number | null): void {
      const rate = before === null || moment.gap ? null : rateSince(before.view)
      const value = rate !== null && rate < 0 ? null : rate
      const { atMs } = moment.view
      if (before !== null && value !== null) {
        line.add(before.view.atMs, value, last?.atMs !== before.view.atMs)
        line.add(atMs, value)
      } else if (before !== null && !moment.gap) line.add(atMs, null)
      last = value === null ? null : { value, atMs, toleranceMs: toleratedAgeMs(moment.intervalMs) }
      before = moment
    },
    columns() {
      if (last !== null && untilMs - last.atMs <= last.toleranceMs) line.add(untilMs, last.value)
      return line.columns()
    }
  }
}
