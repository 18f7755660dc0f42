/** What is known of a topic's log when a change of it is judged. Unknown is null, never zero. */
export interface TopicFacts {
  /** When this was read, epoch milliseconds. */
  readonly atMs: number
  /** Those that could be read. */
  readonly partitions: readonly PartitionFacts[]
  /** How many there are; null where nobody knows. */
  readonly partitionCount: number | null
  /** What holds where the topic sets nothing itself, by name: the brokers' defaults. */
  readonly defaults: Readonly<Record<string, string>>
  /** What the topic sets itself, before the change. */
  readonly configs: Readonly<Record<string, string>>
}

export interface PartitionFacts {
  readonly partition: number
  readonly logStartOffset: number | null
  /** The next offset to be written. */
  readonly logEndOffset: number | null
  /** Of one replica. */
  readonly sizeBytes: number | null
  /** Timestamp of the newest record. */
  readonly newestMs: number | null
  /** For some moments the first offset whose record is as young or younger; null where all records are older. */
  readonly offsetsFrom: readonly { readonly timestampMs: number; readonly offset: number | null }[]
}

/** An ACL as the metadata log's decoder names its parts. */
export interface Acl {
  readonly resourceType: string
  readonly resourceName: string
  /** `literal` or `prefixed`. */
  readonly pattern: string
  readonly principal: string
  readonly host: string
  readonly operation: string
  /** `allow` or `deny`. */
  readonly permission: string
}

export interface AclFacts {
  /** All others, before and after the change. */
  readonly others: readonly Acl[]
  /** `allow.everyone.if.no.acl.found`; null where nobody knows. */
  readonly allowEveryone: boolean | null
  /** `super.users`, whom ACLs do not concern; null where nobody knows. */
  readonly superUsers: readonly string[] | null
}

/** Facts for the changes that have a consequence; null where they could not be had. */
export interface ConsequenceFacts {
  readonly topic: TopicFacts | null
  readonly acls: AclFacts | null
}
