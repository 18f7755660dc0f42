// What is done to the cluster, in this order, and by whom. Plain data.

/** Created, changed, opened, read in vain and deleted, all by the platform team's own user but for the reading. */
export const doomedTopic = 'orders.refunds'
/** Of this one a setting is changed while the authorizers keep silent. */
export const ledgerTopic = 'payments.ledger'
export const platformTeam = 'User:admin'
export const stranger = 'User:nobody'

/** Older than the new retention when they are produced: it makes them deletable at once. */
export const oldRecords = 200
export const youngRecords = 100
export const oldForMs = 3_600_000
export const firstRetentionMs = '604800000'
/** The topic's new retention. Its first digit is the byte that is flipped. */
export const retentionMs = '600000'
export const plantedRetentionMs = '86400000'

export interface Change {
  readonly eventType: string
  readonly topic: string
  readonly about: string
}

/** What the platform team does over a listener that asks who is there, with every line of the authorizers kept. */
export const changes: readonly Change[] = [
  { eventType: 'topic.created', topic: doomedTopic, about: 'the topic is created' },
  { eventType: 'config.changed', topic: doomedTopic, about: 'its retention is changed' },
  { eventType: 'acl.added', topic: doomedTopic, about: 'an ACL is added' },
  { eventType: 'topic.deleted', topic: doomedTopic, about: 'the topic is deleted' }
]

export const planted: Change = { eventType: 'config.changed', topic: ledgerTopic, about: 'a setting is changed and no authorizer writes a line' }
