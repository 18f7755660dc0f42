/** How a field is written; `bytes` hold nothing but secrets in these records, so they never leave the decoder. */
export type FieldType = 'bool' | 'int8' | 'int16' | 'uint16' | 'int32' | 'int64' | 'float64' | 'string' | 'uuid' | 'bytes' | 'struct'

/** One field of a record, as Kafka's message generator reads it. Every version of these records is flexible (KIP-482). */
export interface FieldSchema {
  /** As Kafka's own JSON writes it: the first letter small. */
  readonly name: string
  readonly type: FieldType
  readonly array?: true
  /** First version that has the field; 0 where it is left out. */
  readonly since?: number
  /** First version in which it may be null; never where it is left out. */
  readonly nullableSince?: number
  /** A tagged field in every version that has it. */
  readonly tag?: number
  /** What a tagged field is where it is not written. */
  readonly default?: null | number | boolean | string | readonly never[]
  /** Dropped always, or where the config that it is the value of may be a secret. */
  readonly secret?: 'always' | 'by-config'
  /** Fields of a struct. */
  readonly fields?: readonly FieldSchema[]
}

export interface RecordSchema {
  readonly apiKey: number
  readonly lowestVersion: number
  readonly highestVersion: number
  readonly fields: readonly FieldSchema[]
}
