/** One log: a partition of an audit topic, under a prefix that tells this Reeve's logs from others, such as `reeve.audit`. */
export interface LogPlace {
  readonly prefix: string
  readonly clusterId: string
  readonly topic: string
  readonly partition: number
}

/** Identifies the log: README.md of shared/audit, section 1. */
export function originOf({ prefix, clusterId, topic, partition }: LogPlace): string {
  return `${prefix}/${clusterId}/${topic}/${partition}`
}

/** Name of the keys that sign the logs of a cluster. */
export function keyNameOf({ prefix, clusterId }: Pick<LogPlace, 'prefix' | 'clusterId'>): string {
  return `${prefix}/${clusterId}`
}

/** Who owns the log: whoever fenced this id last is its only writer, by whatever prefix others call it. */
export function transactionalIdOf({ topic, partition }: Pick<LogPlace, 'topic' | 'partition'>): string {
  return `audit-writer-${topic}-${partition}`
}
