/** An audit topic, under a prefix that tells this Reeve's logs from others, such as `reeve.audit`. */
export interface TopicPlace {
  readonly prefix: string
  readonly clusterId: string
  readonly topic: string
}

/** One log: a partition of an audit topic. */
export interface LogPlace extends TopicPlace {
  readonly partition: number
}

/** All logs of a topic. */
export function placesOf({ prefix, clusterId, topic }: TopicPlace, chains: number): readonly LogPlace[] {
  return Array.from({ length: chains }, (_, partition) => ({ prefix, clusterId, topic, partition }))
}

/** Identifies the log: README.md of shared/audit, section 1. */
export function originOf({ prefix, clusterId, topic, partition }: LogPlace): string {
  return `${prefix}/${clusterId}/${topic}/${partition}`
}

/** Name of the keys that sign the logs of a cluster. */
export function keyNameOf({ prefix, clusterId }: Pick<TopicPlace, 'prefix' | 'clusterId'>): string {
  return `${prefix}/${clusterId}`
}

/** Who owns the topic: whoever fenced this id last is the only writer of all its logs, by whatever prefix others call it. It is that of the first log alone. */
export function transactionalIdOf({ topic }: Pick<TopicPlace, 'topic'>): string {
  return `audit-writer-${topic}-0`
}
