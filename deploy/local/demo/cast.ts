// Who plays: seven consumer groups as a platform meets them, and what Reeve must make of each. Plain data.

/** Enough that the slow reader stays above the threshold for minutes. */
export const backlogRecords = 1_300_000
/** The mission's: a group is far behind above this lag. */
export const farBehindMessages = 1_000_000

export interface DemoTopic {
  readonly name: string
  readonly partitions: number
  /** Records of 100 bytes that are there before anybody reads; 0 for none. */
  readonly backlog: number
  /** Records a second that go on coming. */
  readonly trickle: number
}

export const topics = {
  transactions: { name: 'payments.events.transaction.v1', partitions: 6, backlog: backlogRecords, trickle: 20 },
  orders: { name: 'orders.events.order.v1', partitions: 3, backlog: 0, trickle: 40 },
  parcels: { name: 'shipping.events.parcel.v1', partitions: 3, backlog: 0, trickle: 6 },
  clicks: { name: 'web.events.click.v1', partitions: 3, backlog: 0, trickle: 10 }
} as const satisfies Record<string, DemoTopic>

/** Records whose format their consumer does not know begin with this. */
export const poison = 'v2|'

export type Fate = 'left alone' | 'told' | 'paused'

export interface Player {
  readonly groupId: string
  readonly topic: DemoTopic
  /** Whose client it is, for the table. */
  readonly client: string
  readonly runs: 'kafkajs' | 'java'
  readonly behaviour: 'healthy' | 'slow' | 'stuck' | 'poison'
  readonly sdk: boolean
  readonly protocol: 'classic' | 'consumer'
  /** Registered team; null: nobody. The team's channel has its name. */
  readonly team: string | null
  readonly fate: Fate
  /** The rule that pauses it. */
  readonly cause?: 'stuckBehind' | 'crashLoop'
  /** In the beginning it has read this many records of each partition; absent: what it reads itself. */
  readonly readBefore?: number
  /** One sentence on what it is. */
  readonly about: string
}

export const platformChannel = 'platform'

export const cast: readonly Player[] = [
  {
    groupId: 'orders-search-indexer',
    topic: topics.orders,
    client: 'kafkajs',
    runs: 'kafkajs',
    behaviour: 'healthy',
    sdk: false,
    protocol: 'classic',
    team: 'orders',
    fate: 'left alone',
    about: 'healthy kafkajs group'
  },
  {
    groupId: 'orders-notifications',
    topic: topics.orders,
    client: 'Java, KIP-848',
    runs: 'java',
    behaviour: 'healthy',
    sdk: false,
    protocol: 'consumer',
    team: 'orders',
    fate: 'left alone',
    about: 'group of the KIP-848 protocol'
  },
  {
    groupId: 'payments-monthly-report',
    topic: topics.transactions,
    client: 'Java',
    runs: 'java',
    behaviour: 'slow',
    sdk: false,
    protocol: 'classic',
    team: 'payments',
    fate: 'told',
    about: 'Java group that lags and moves'
  },
  {
    groupId: 'fraud-scoring',
    topic: topics.transactions,
    client: 'kafkajs',
    runs: 'kafkajs',
    behaviour: 'stuck',
    sdk: false,
    protocol: 'classic',
    team: 'risk',
    fate: 'told',
    readBefore: 900,
    about: 'group without the SDK that stands still'
  },
  {
    groupId: 'click-export-adhoc',
    topic: topics.clicks,
    client: 'kafkajs',
    runs: 'kafkajs',
    behaviour: 'stuck',
    sdk: false,
    protocol: 'classic',
    team: null,
    fate: 'told',
    readBefore: 100,
    about: 'group without a registered owner that stands still'
  },
  {
    groupId: 'payments-ledger',
    topic: topics.transactions,
    client: 'kafkajs + SDK',
    runs: 'kafkajs',
    behaviour: 'stuck',
    sdk: true,
    protocol: 'classic',
    team: 'payments',
    fate: 'paused',
    cause: 'stuckBehind',
    readBefore: 400,
    about: 'group with the SDK, far behind and stuck'
  },
  {
    groupId: 'shipping-label-printer',
    topic: topics.parcels,
    client: 'kafkajs + SDK',
    runs: 'kafkajs',
    behaviour: 'poison',
    sdk: true,
    protocol: 'classic',
    team: 'shipping',
    fate: 'paused',
    cause: 'crashLoop',
    about: 'group with the SDK that crash-loops on a poison record'
  }
]

export const teams: readonly string[] = [...new Set(cast.flatMap(({ team }) => team ?? []))]

/** The channel in which the owner of a group hears of it. */
export function channelOf({ team }: Player): string {
  return team ?? platformChannel
}
