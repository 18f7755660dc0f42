import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyRecord, encodeRecord, type PlainFields } from '#test/support/metadata-records.ts'
import { type CommittedRecord, type Folded, foldRecords, imageOf, type MetadataFold } from './change.ts'
import { decodeMetadataRecord, hashKeyFrom } from './decode.ts'
import { differences } from './differences.ts'
import { emptyImage } from './image.ts'
import type { DecodedRecord, RecordType } from './record.ts'

const hashKey = hashKeyFrom(Buffer.alloc(32, 7))
const [orders, orders2] = ['00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b']
const none = '00000000-0000-0000-0000-000000000000'

function record(type: RecordType, fields: PlainFields = {}, version = 0): DecodedRecord {
  return decodeMetadataRecord(encodeRecord(type, version, fields), { hashKey })
}

const topic = (name = 'orders', topicId = orders) => record('TopicRecord', { name, topicId })
const partition = (partitionId: number, replicas = [1, 2, 3], topicId = orders) =>
  record('PartitionRecord', { partitionId, topicId, replicas, isr: replicas, leader: replicas[0]! })
const moved = (partitionId: number, changes: PlainFields, topicId = orders) => record('PartitionChangeRecord', { partitionId, topicId, ...changes })
const config = (name: string, value: string | null, resourceName = 'orders', resourceType = 2) =>
  record('ConfigRecord', { resourceType, resourceName, name, value })
const quota = (key: string, value: number | null, user = 'billing') =>
  record('ClientQuotaRecord', { entity: [{ entityType: 'user', entityName: user }], key, value: value ?? 0, remove: value === null })
const acl = (id: string) =>
  record('AccessControlEntryRecord', {
    id,
    resourceType: 2,
    resourceName: 'orders',
    patternType: 4,
    principal: 'User:reader',
    host: '*',
    operation: 3,
    permissionType: 3
  })
const begin = (name: string | null = null) => record('BeginTransactionRecord', name === null ? {} : { name })
const end = () => record('EndTransactionRecord')
const noOp = () => record('NoOpRecord')

/** Records in one batch each `batch`, from offset 100 on. */
function committed(batches: readonly (readonly DecodedRecord[])[]): CommittedRecord[][] {
  let offset = 100
  return batches.map((batch, index) => batch.map(each => ({ offset: offset++, epoch: 5, timestampMs: 1_000 + index, record: each })))
}

function fold(...batches: (readonly DecodedRecord[])[]): Folded & { readonly state: MetadataFold } {
  const state: MetadataFold = { image: emptyImage(), open: null }
  return { ...foldRecords(state, committed(batches).flat()), state }
}

/** The same with each batch given alone. */
function foldEach(batches: readonly (readonly CommittedRecord[])[]): Folded['changes'] {
  const state: MetadataFold = { image: emptyImage(), open: null }
  return batches.flatMap(batch => foldRecords(state, batch).changes)
}

const kinds = ({ changes }: Folded) => changes.map(({ kind, recordOffsets }) => `${kind} ${recordOffsets.map(([first, last]) => `${first}-${last}`).join(' ')}`)

describe('one change', () => {
  test('is a topic with its configs, its partitions and what is cleared for its in-sync replicas', () => {
    const elr = record('ClearElrRecord', { topicName: 'orders' })
    const { changes } = fold([topic(), config('retention.ms', '1000'), config('min.insync.replicas', '2'), elr, partition(0), partition(1, [2, 3, 1])])
    expect(changes).toEqual([
      {
        kind: 'topic-created',
        resource: { type: 'topic', name: 'orders', id: orders },
        before: null,
        after: { partitions: 2, replicas: { 0: [1, 2, 3], 1: [2, 3, 1] }, configs: { 'retention.ms': '1000', 'min.insync.replicas': '2' } },
        offset: 100,
        epoch: 5,
        timestampMs: 1_000,
        recordOffsets: [[100, 105]],
        transaction: null,
        unknownTags: []
      }
    ])
  })
  test('is each of two topics that one batch creates', () => {
    expect(kinds(fold([topic(), partition(0), topic('payments', orders2), partition(0, [1], orders2), partition(1, [2], orders2)]))).toEqual([
      'topic-created 100-101',
      'topic-created 102-104'
    ])
  })
  test('is what one request does to the configs of a resource, with what was there before', () => {
    const { changes } = fold([topic(), config('retention.ms', '1000')], [config('retention.ms', null), config('segment.ms', '5')])
    expect(changes[1]).toMatchObject({
      kind: 'config-changed',
      resource: { type: 'topic', name: 'orders', id: orders },
      before: { 'retention.ms': '1000', 'segment.ms': null },
      after: { 'retention.ms': null, 'segment.ms': '5' },
      recordOffsets: [[102, 103]]
    })
  })
  test('is not what another batch, another resource, or the same name again says', () => {
    expect(kinds(fold([config('retention.ms', '1')], [config('segment.ms', '2')]))).toEqual(['config-changed 100-100', 'config-changed 101-101'])
    expect(kinds(fold([config('retention.ms', '1'), config('segment.ms', '2', 'payments')]))).toEqual(['config-changed 100-100', 'config-changed 101-101'])
    expect(kinds(fold([config('retention.ms', '1'), config('retention.ms', '2')]))).toEqual(['config-changed 100-100', 'config-changed 101-101'])
    expect(kinds(fold([config('retention.ms', '1'), noOp(), config('segment.ms', '2')]))).toEqual(['config-changed 100-100', 'config-changed 102-102'])
  })
  test('is told also where it changes nothing: it was asked for', () => {
    const { changes } = fold([config('retention.ms', '1')], [config('retention.ms', '1')], [config('segment.ms', null, 'nobody')])
    expect(changes[1]).toMatchObject({ kind: 'config-changed', before: { 'retention.ms': '1' }, after: { 'retention.ms': '1' } })
    expect(changes[2]).toMatchObject({ kind: 'config-changed', resource: { name: null, id: '2 nobody' }, before: null, after: null })
  })
  test('is what a partition more, a move and a removal of a topic do', () => {
    const { changes, state } = fold(
      [topic(), partition(0), config('retention.ms', '1000')],
      [partition(1, [2, 3, 1]), partition(2, [3, 1, 2])],
      [moved(0, { replicas: [1, 2, 3, 4], addingReplicas: [4], removingReplicas: [1] })],
      [record('RemoveTopicRecord', { topicId: orders })],
      [topic('orders', orders2), partition(0, [1], orders2)]
    )
    expect(changes.map(({ kind, resource, before, after }) => ({ kind, id: resource.id, before, after }))).toEqual([
      { kind: 'topic-created', id: orders, before: null, after: { partitions: 1, replicas: { 0: [1, 2, 3] }, configs: { 'retention.ms': '1000' } } },
      {
        kind: 'partitions-added',
        id: orders,
        before: { partitions: 1, replicas: {} },
        after: { partitions: 3, replicas: { 1: [2, 3, 1], 2: [3, 1, 2] } }
      },
      {
        kind: 'partitions-reassigned',
        id: orders,
        before: { 0: { replicas: [1, 2, 3], addingReplicas: [], removingReplicas: [] } },
        after: { 0: { replicas: [1, 2, 3, 4], addingReplicas: [4], removingReplicas: [1] } }
      },
      {
        kind: 'topic-deleted',
        id: orders,
        before: { partitions: 3, replicas: { 0: [1, 2, 3, 4], 1: [2, 3, 1], 2: [3, 1, 2] }, configs: { 'retention.ms': '1000' } },
        after: null
      },
      { kind: 'topic-created', id: orders2, before: null, after: { partitions: 1, replicas: { 0: [1] }, configs: {} } }
    ])
    expect([...state.image.configs]).toEqual([])
  })
})

test('rights, quotas, credentials, features and tokens say what was and what is', () => {
  const [id] = [orders]
  const scram = (salt: string) => record('UserScramCredentialRecord', { name: 'ann', mechanism: 2, salt: Buffer.from(salt), iterations: 4096 })
  const { changes } = fold(
    [acl(id)],
    [record('RemoveAccessControlEntryRecord', { id })],
    [quota('producer_byte_rate', 5), quota('request_percentage', 1.5)],
    [quota('producer_byte_rate', null)],
    [scram('one')],
    [scram('other')],
    [record('RemoveUserScramCredentialRecord', { name: 'ann', mechanism: 2 })],
    [record('FeatureLevelRecord', { name: 'share.version', featureLevel: 1 })],
    [record('FeatureLevelRecord', { name: 'share.version', featureLevel: 0 })],
    [record('DelegationTokenRecord', { owner: 'User:ann', requester: 'User:ann', tokenId: 't1' })],
    [record('RemoveDelegationTokenRecord', { tokenId: 't1' })]
  )
  const view = {
    resourceType: 'topic',
    resourceName: 'orders',
    pattern: 'prefixed',
    principal: 'User:reader',
    host: '*',
    operation: 'read',
    permission: 'allow'
  }
  expect(changes.slice(0, 4)).toMatchObject([
    { kind: 'acl-added', resource: { type: 'acl', id }, before: null, after: view },
    { kind: 'acl-removed', resource: { type: 'acl', id }, before: view, after: null },
    {
      kind: 'quota-changed',
      resource: { type: 'quota', name: 'user=billing' },
      after: { producer_byte_rate: 5, request_percentage: 1.5 },
      recordOffsets: [[102, 103]]
    },
    { kind: 'quota-changed', before: { producer_byte_rate: 5 }, after: { producer_byte_rate: null } }
  ])
  expect(changes.slice(4).map(({ kind, resource, before, after }) => [kind, resource.name, before !== null, after !== null])).toEqual([
    ['scram-changed', 'ann', false, true],
    ['scram-changed', 'ann', true, true],
    ['scram-removed', 'ann', true, false],
    ['feature-changed', 'share.version', false, true],
    ['feature-changed', 'share.version', true, false],
    ['delegation-token-changed', 't1', false, true],
    ['delegation-token-removed', 't1', true, false]
  ])
  const [, , , , , { before, after } = { before: null, after: null }] = changes
  expect(before).toMatchObject({ mechanism: 'SCRAM-SHA-512', iterations: 4096, salt: { dropped: 'secret', lengthBytes: 3 } })
  expect(after).toMatchObject({ salt: { dropped: 'secret', lengthBytes: 5 } })
})

test('a broker is registered, fenced, shut down and unregistered', () => {
  const change = (fields: PlainFields) => record('BrokerRegistrationChangeRecord', { brokerId: 3, brokerEpoch: 7, ...fields }, 2)
  const { changes } = fold(
    [record('RegisterBrokerRecord', { brokerId: 3, brokerEpoch: 7, incarnationId: orders, fenced: true, rack: 'a' }, 3)],
    [change({ fenced: -1 })],
    [change({ inControlledShutdown: 1 })],
    [change({ logDirs: [orders2] })],
    [change({ fenced: 1 })],
    [record('UnregisterBrokerRecord', { brokerId: 3, brokerEpoch: 7 })]
  )
  expect(changes.map(({ kind, before, after }) => ({ kind, before, after }))).toMatchObject([
    { kind: 'broker-registered', before: null, after: { brokerId: 3, rack: 'a', fenced: true } },
    { kind: 'broker-unfenced', before: { fenced: true }, after: { fenced: false } },
    { kind: 'broker-changed', before: { inControlledShutdown: false }, after: { inControlledShutdown: true } },
    { kind: 'broker-changed', before: { logDirs: [] }, after: { logDirs: [orders2] } },
    { kind: 'broker-fenced', before: { fenced: false }, after: { fenced: true } },
    { kind: 'broker-unregistered', before: { brokerId: 3 }, after: null }
  ])
  expect(changes[4]!.after).toEqual({ fenced: true })
})

describe('leaders and in-sync replicas', () => {
  const records = () => [
    [topic(), partition(0)],
    [moved(0, { leader: 2, isr: [2, 3] })],
    [noOp(), noOp(), record('ProducerIdsRecord', { nextProducerId: 1_000 })]
  ]
  test('are routine, which is counted', () => {
    const { changes, routine, state } = fold(...records())
    expect(changes.length).toBe(1)
    expect(routine).toEqual([
      { type: 'NoOpRecord', count: 2, firstOffset: 103, lastOffset: 104 },
      { type: 'PartitionChangeRecord', count: 1, firstOffset: 102, lastOffset: 102 },
      { type: 'ProducerIdsRecord', count: 1, firstOffset: 105, lastOffset: 105 }
    ])
    expect(state.image.topics.get(orders)!.partitions.get(0)).toMatchObject({ leader: 2, isr: [2, 3], replicas: [1, 2, 3], leaderEpoch: 1, partitionEpoch: 1 })
  })
  test('are changes where that is asked for', () => {
    const state: MetadataFold = { image: emptyImage(), open: null }
    const { changes } = foldRecords(state, committed(records()).flat(), { leaderAndIsr: true })
    expect(changes[1]).toMatchObject({ kind: 'leader-or-isr-changed', before: { 0: { leader: 1, isr: [1, 2, 3] } }, after: { 0: { leader: 2, isr: [2, 3] } } })
  })
  test('are a change always where a leader was elected that may lack data', () => {
    const { changes } = fold([topic(), partition(0)], [moved(0, { leader: 3, isr: [3], leaderRecoveryState: 1 })])
    expect(changes[1]).toMatchObject({
      kind: 'unclean-leader-elected',
      before: { 0: { leader: 1 } },
      after: { 0: { leader: 3, isr: [3], leaderRecoveryState: 1 } }
    })
    const both = fold([topic(), partition(0)], [moved(0, { leader: 3, isr: [3], leaderRecoveryState: 1, replicas: [3, 4] })])
    expect(both.changes[1]).toMatchObject({ before: { 0: { replicas: [1, 2, 3] } }, after: { 0: { replicas: [3, 4], leader: 3 } } })
  })
})

describe('a transaction', () => {
  test('takes effect at its end, and what it says of one thing is one change also where it is apart', () => {
    const parts = [
      [begin('Big topic'), topic()],
      [partition(0), acl(orders2)],
      [noOp(), partition(1), end()]
    ]
    const state: MetadataFold = { image: emptyImage(), open: null }
    const [one, two, three] = committed(parts)
    expect(foldRecords(state, one!)).toEqual({ changes: [], routine: [] })
    expect(state.open?.records[0]?.offset).toBe(100)
    expect(foldRecords(state, two!)).toEqual({ changes: [], routine: [] })
    expect(state.image.topics.size).toBe(0)
    const { changes, routine } = foldRecords(state, three!)
    const transaction = { name: 'Big topic', beginOffset: 100, endOffset: 106 }
    expect(changes).toMatchObject([
      {
        kind: 'topic-created',
        offset: 101,
        timestampMs: 1_002,
        recordOffsets: [
          [101, 102],
          [105, 105]
        ],
        after: { partitions: 2 },
        transaction
      },
      { kind: 'acl-added', offset: 103, transaction }
    ])
    expect(routine.map(({ type }) => type)).toEqual(['BeginTransactionRecord', 'EndTransactionRecord', 'NoOpRecord'])
    expect(state.open).toBeNull()
  })
  test('that is aborted changes nothing, and is one change of its own', () => {
    const abort = record('AbortTransactionRecord', { reason: 'the controller failed' })
    const { changes, routine, state } = fold([begin(), topic(), partition(0)], [abort, config('retention.ms', '1', 'payments')])
    expect(changes).toMatchObject([
      {
        kind: 'transaction-aborted',
        after: { reason: 'the controller failed', records: { BeginTransactionRecord: 1, TopicRecord: 1, PartitionRecord: 1, AbortTransactionRecord: 1 } },
        recordOffsets: [[100, 103]],
        transaction: { name: null, beginOffset: 100, endOffset: 103 }
      },
      { kind: 'config-changed', transaction: null }
    ])
    expect(routine).toEqual([])
    expect([state.image.topics.size, state.open]).toEqual([0, null])
  })
  test('that another one follows without an end is aborted', () => {
    expect(kinds(fold([begin(), topic()], [begin(), acl(orders), end()]))).toEqual(['transaction-aborted 100-101', 'acl-added 103-103'])
  })
})

test('what cannot be read is a change, and the image says that it may be wrong', () => {
  const later = decodeMetadataRecord(Buffer.from([1, 99, 4, 1, 2, 3]), { hashKey })
  const { changes, state } = fold([later, record('RemoveTopicRecord', { topicId: orders })])
  expect(changes).toMatchObject([
    { kind: 'unknown-record', resource: { type: 'metadata-log' }, after: { reason: 'type', apiKey: 99, version: 4, lengthBytes: 6 } },
    { kind: 'topic-deleted', resource: { type: 'topic', name: null, id: orders }, before: null, after: null }
  ])
  expect(state.image.unapplied).toBe(2)
})

test('a tag that no release has is told with its change, and makes one of what is routine', () => {
  const tagged = (type: RecordType, fields: PlainFields) => decodeMetadataRecord(encodeRecord(type, 0, fields, [[60, Buffer.from('new')]]), { hashKey })
  const { changes } = fold([tagged('TopicRecord', { name: 'orders', topicId: orders }), partition(0), tagged('NoOpRecord', {})])
  expect(changes).toMatchObject([
    { kind: 'topic-created', recordOffsets: [[100, 101]], unknownTags: [{ offset: 100, path: '', tag: 60, lengthBytes: 3 }] },
    { kind: 'unknown-record', after: { type: 'NoOpRecord', version: 0 }, unknownTags: [{ offset: 102, tag: 60 }] }
  ])
})

describe('any records', () => {
  const decoded = anyRecord.map(({ type, version, fields }) => decodeMetadataRecord(encodeRecord(type, version, fields), { hashKey }))
  /** A few ids and names, so that records meet. */
  const meeting = fc
    .tuple(fc.constantFrom(orders, orders2), fc.constantFrom('orders', 'payments'), fc.nat(2), fc.nat(13), fc.constantFrom('1', null))
    .map(([id, name, number, which, value]): DecodedRecord => {
      const made = [
        () => topic(name, id),
        () => partition(number, [1, 2], id),
        () => moved(number, { isr: [1] }, id),
        () => moved(number, { replicas: [2, 3] }, id),
        () => record('RemoveTopicRecord', { topicId: id }),
        () => config(['a', 'retention.ms', 'segment.ms'][number]!, value, name),
        () => quota('producer_byte_rate', value === null ? null : number, name),
        () => acl(id),
        () => record('RemoveAccessControlEntryRecord', { id }),
        () => begin(),
        () => end(),
        () => record('AbortTransactionRecord', { reason: 'x' }),
        () => record('ClearElrRecord', { topicName: name }),
        noOp
      ]
      return made[which]!()
    })
  const batches = fc.array(fc.array(fc.oneof({ weight: 5, arbitrary: meeting }, { weight: 1, arbitrary: decoded }), { minLength: 1, maxLength: 8 }), {
    maxLength: 8
  })

  test('are each in one change, or counted as routine, or in the open transaction; and batches come alike alone or together', () => {
    fc.assert(
      fc.property(batches, some => {
        const given = committed(some)
        const state: MetadataFold = { image: emptyImage(), open: null }
        const { changes, routine } = foldRecords(state, given.flat())
        const offsets = changes.flatMap(({ recordOffsets }) =>
          recordOffsets.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index))
        )
        expect(new Set(offsets).size).toBe(offsets.length)
        expect(offsets.length + routine.reduce((sum, { count }) => sum + count, 0) + (state.open?.records.length ?? 0)).toBe(given.flat().length)
        expect(new Set(changes.map(({ offset }) => offset)).size).toBe(changes.length)
        expect(foldEach(given)).toEqual(changes)
        expect(JSON.parse(JSON.stringify(changes))).toEqual(changes)
      }),
      { numRuns: 250 }
    )
  })

  test('make an image without a difference to itself, which is made and undone by its differences to nothing', () => {
    fc.assert(
      fc.property(batches, some => {
        const records = some.flat().filter(({ type }) => type === null || !/Transaction/.test(type))
        const [image, again] = [imageOf(records), imageOf(records)]
        expect(differences(image, again)).toEqual({ changes: [], leaderOrIsrChanged: 0 })
        const [created, deleted] = [differences(emptyImage(), image), differences(image, emptyImage())]
        expect(created.changes.map(({ after }) => after)).not.toContain(null)
        expect(deleted.changes.map(({ before }) => before)).not.toContain(null)
        expect(deleted.changes.length).toBe(created.changes.length)
      }),
      { numRuns: 120 }
    )
  })
})

describe('differences behind a snapshot', () => {
  const before = () => imageOf([topic(), partition(0), config('retention.ms', '1'), config('segment.ms', '2'), acl(orders), quota('producer_byte_rate', 5)])
  test('are what was done, sorted, with a topic that was made anew as two', () => {
    const after = imageOf([
      topic('payments', none),
      partition(0, [1], none),
      topic('orders', orders2),
      partition(0, [1, 2, 3], orders2),
      config('retention.ms', '9'),
      quota('producer_byte_rate', 6)
    ])
    expect(differences(before(), after)).toEqual({
      changes: [
        { kind: 'acl-removed', resource: { type: 'acl', name: null, id: orders }, before: expect.objectContaining({ operation: 'read' }), after: null },
        {
          kind: 'quota-changed',
          resource: { type: 'quota', name: 'user=billing', id: null },
          before: { producer_byte_rate: 5 },
          after: { producer_byte_rate: 6 }
        },
        {
          kind: 'topic-deleted',
          resource: { type: 'topic', name: 'orders', id: orders },
          before: { partitions: 1, replicas: { 0: [1, 2, 3] }, configs: { 'retention.ms': '1', 'segment.ms': '2' } },
          after: null
        },
        {
          kind: 'topic-created',
          resource: { type: 'topic', name: 'orders', id: orders2 },
          before: null,
          after: { partitions: 1, replicas: { 0: [1, 2, 3] }, configs: { 'retention.ms': '9' } }
        },
        {
          kind: 'topic-created',
          resource: { type: 'topic', name: 'payments', id: none },
          before: null,
          after: { partitions: 1, replicas: { 0: [1] }, configs: {} }
        }
      ],
      leaderOrIsrChanged: 0
    })
  })
  test('are none where a snapshot has what is a map or a set to Kafka in another order', () => {
    const broker = (reverse: boolean) => {
      const ordered = <T>(items: T[]): T[] => (reverse ? items.toReversed() : items)
      const endPoints = ordered(['PLAIN', 'SASL'].map(name => ({ name, host: 'h', port: 1, securityProtocol: 0 })))
      const features = ordered(['group.version', 'share.version'].map(name => ({ name, minSupportedVersion: 0, maxSupportedVersion: 1 })))
      const directories = ordered([orders, orders2])
      const fields = { incarnationId: orders, rack: null, endPoints, features, logDirs: directories, cordonedLogDirs: directories }
      return imageOf([record('RegisterBrokerRecord', { brokerId: 1, ...fields }, 4), record('RegisterControllerRecord', { controllerId: 1, ...fields })])
    }
    expect(differences(broker(false), broker(true)).changes).toEqual([])
  })
  test('of a topic that stayed are its configs, partitions and replicas; leaders are counted', () => {
    const after = imageOf([
      topic(),
      partition(0),
      partition(1),
      moved(0, { isr: [1] }),
      config('retention.ms', '1'),
      config('segment.ms', '3'),
      acl(orders),
      quota('producer_byte_rate', 5)
    ])
    expect(differences(before(), after)).toEqual({
      changes: [
        { kind: 'config-changed', resource: { type: 'topic', name: 'orders', id: orders }, before: { 'segment.ms': '2' }, after: { 'segment.ms': '3' } },
        {
          kind: 'partitions-added',
          resource: { type: 'topic', name: 'orders', id: orders },
          before: { partitions: 1, replicas: {} },
          after: { partitions: 2, replicas: { 1: [1, 2, 3] } }
        }
      ],
      leaderOrIsrChanged: 1
    })
    const movedAway = imageOf([topic(), partition(0, [4, 5, 6])])
    expect(differences(before(), movedAway).changes.find(({ kind }) => kind === 'partitions-reassigned')).toMatchObject({
      before: { 0: { replicas: [1, 2, 3] } },
      after: { 0: { replicas: [4, 5, 6] } }
    })
  })
})
