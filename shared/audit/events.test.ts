import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { access, change, login, noon, request, setting } from '#test/support/audit-inputs.ts'
import { beganEvent, checkpointEvent, keyRotatedEvent, unsealableEvent } from './checkpoint-entry.ts'
import type { Loose } from './bounds.ts'
import { longestEntryBytes, seal } from './chain.ts'
import { readEntry } from './entry.ts'
import type { AuditEvent } from './event.ts'
import { accessEvent, foldedEvent } from './events/access.ts'
import { attributionEvent } from './events/attribution.ts'
import { authenticationEvent, foldedLoginsEvent } from './events/authentication.ts'
import { changeEvent, changeEventTypes } from './events/change.ts'
import { journalEvent } from './events/journal.ts'
import { routineEvent, unknownRecordEvent } from './events/metadata.ts'
import { driftedEvent, excludedEvent, gapEvent, unparsedEvent } from './events/mirror.ts'
import { requestEvent } from './events/request.ts'
import { apiActivity, type EventFacts } from './ocsf.ts'
import { openChange } from './open-change.ts'
import { auditSchemas, entrySchema } from './schemas.ts'

const origin = 'reeve.audit/cluster-1/audit.platform-operations/0'
const ending = { origin, size: 3, root: 'r', fingerprint: 'f', checkpoint: 'c' }
const previous = { fingerprint: '0'.repeat(64), eventId: '00000000-0000-8000-8000-000000000000', typeUid: 600301 }
/** As it stands in the log: what its schema says, without a member that the schema does not know. */
function entryOf(event: AuditEvent): Record<string, unknown> {
  const { bytes } = seal(event, { origin, sequence: 7, previous })
  expect(readEntry(bytes)).toMatchObject({ eventId: event.eventId })
  const entry = JSON.parse(bytes.toString()) as Record<string, unknown>
  const schema = entrySchema(event.eventType)
  expect(schema, event.eventType).not.toBeNull()
  expect(schema!.parse(entry)).toEqual(entry)
  return entry
}

type Changed = Parameters<typeof changeEvent>[1]
const created = changeEvent(setting, change(7, noon, 'topic-created', { after: { partitions: 3 } }) as Changed)
const opened = openChange(change(7, noon, 'topic-created'), created, false)
const candidate = {
  principal: 'User:a',
  address: '10.0.0.1',
  clientId: null,
  operation: 'CREATE_TOPICS',
  requestUid: 'c/1',
  rank: 4,
  hearsay: false,
  evidence: ['r/0@1']
}
const attributed = (certainty: 'exact' | 'ambiguous' | 'none', candidates = [candidate], toldLate: { byMs: number } | null = null) =>
  attributionEvent(setting, {
    change: opened,
    judgement: { certainty, candidates },
    decidedForMs: noon + 1,
    watermarks: { b1: noon, b2: null },
    early: false,
    forgotten: true,
    toldLate
  })
const folded = {
  kind: 'access',
  sourceId: 'b1',
  coordinate: 'b1@minute/key',
  minuteMs: noon,
  principal: 'User:a',
  address: '10.0.0.1',
  resourceType: 'Topic',
  resourceName: 'payments',
  operation: 'READ',
  requests: ['Fetch'],
  lines: 2,
  resourceRefCount: 5,
  firstMs: noon,
  lastMs: noon + 5,
  firstCoordinate: 'b1/0@1',
  lastCoordinate: 'b1/0@2',
  early: null,
  corrects: null
} as const
const late = { early: 'full', corrects: { eventId: 'x', coordinate: 'y' } } as const
const entry = { kind: 'outcome', atMs: noon, epoch: 3, agent: 'consumer-guardian', subject: 'key-1', what: 'Paused.', facts: { lag: 1.5 } } as const
const own = { origin, sequence: 7, timestampMs: noon }
const unparsed = { coordinate: 'b1/0@3', timestampMs: null, timeFrom: 'unknown', reason: 'layout', lengthBytes: 9, sha256: 'x', flaws: ['cut'] } as const

const events: readonly AuditEvent[] = [
  created,
  ...(['topic-deleted', 'config-changed', 'acl-added', 'broker-fenced', 'transaction-aborted', 'scram-changed'] as const).map(kind =>
    changeEvent(setting, change(8, noon, kind) as Changed)
  ),
  changeEvent(setting, {
    ...(change(9, noon, 'topic-created') as Changed),
    source: 'admin-scan',
    earliestMs: noon - 30_000,
    records: null,
    consequence: { a: 1 }
  }),
  attributed('exact'),
  attributed('ambiguous', [candidate, { ...candidate, principal: 'User:b' }]),
  attributed('none', []),
  attributed('exact', [candidate], { byMs: 7_000 }),
  accessEvent(setting, access('b1', 1, noon).line),
  accessEvent(
    setting,
    access('b1', 1, noon, { allowed: false, operation: 'ALTER', resourceType: 'Cluster', resourceName: 'kafka-cluster', forgeable: true, flaws: ['cut'] }).line
  ),
  accessEvent(setting, access('b1', 1, noon, { time: { atMs: noon, orMs: noon + 3_600_000, timeCertainty: 'ambiguous', timeZone: 'Europe/Berlin' } }).line),
  foldedEvent(setting, folded),
  foldedEvent(setting, { ...folded, principal: null, address: null, resourceName: null, ...late }),
  requestEvent(setting, request('b1', 2, noon, [{}, { errorCode: 36 }]).line),
  requestEvent(setting, request('b1', 2, noon, [], { forwarded: true, software: null, tookMs: null, clientId: null, errorCode: 0 }).line),
  authenticationEvent(setting, login('b1', 1, noon).line),
  authenticationEvent(setting, login('b1', 1, noon, { succeeded: true, again: true, mechanism: null, reason: null, listener: null, port: null }).line),
  foldedLoginsEvent(setting, { ...folded, kind: 'login', succeeded: false, mechanism: 'SSL', reason: 'ssl-handshake' }),
  foldedLoginsEvent(setting, { ...folded, ...late, kind: 'login', succeeded: true, address: null, mechanism: null, reason: null }),
  journalEvent(setting, { kind: 'journal', sourceId: 'journal', position: 1, coordinate: 'journal@1', entry, made: [] }, 'User:reeve'),
  unknownRecordEvent(setting, {
    kind: 'unknown-record',
    sourceId: 'metadata',
    position: 1,
    coordinate: 'metadata@1',
    timestampMs: noon,
    record: { apiKey: 99 }
  }),
  routineEvent(setting, {
    kind: 'routine',
    sourceId: 'metadata',
    position: 1,
    coordinate: 'metadata@1-9',
    timestampMs: noon,
    fromOffset: 1,
    toOffset: 9,
    counts: { NoOpRecord: 8 }
  }),
  gapEvent(setting, { sourceId: 'b1', coordinate: 'b1:gap@5', timestampMs: noon, from: 5, to: null, reason: 'the file was truncated' }),
  excludedEvent(setting, { coordinate: 'excluded@1', timestampMs: noon, principals: ['User:reeve'], reason: 'it would tell of its own reading' }),
  driftedEvent(setting, { coordinate: 'drift@1', timestampMs: noon, findings: [{ what: 'retention.ms', is: '1', expected: '2' }] }),
  unparsedEvent(setting, unparsed),
  beganEvent(own, { vkey: 'k', topicId: 't', chains: 2, continues: [ending, ending] }),
  checkpointEvent(own, { trailer: null, epoch: 3, powers: [], excluded: [], silent: [], heads: [{ origin, size: 0, fingerprint: null }], continuedIn: 't' }),
  keyRotatedEvent(own, { oldVkey: 'a', newVkey: 'b', byOld: 'c', byNew: 'd' }),
  unsealableEvent(created, 'too long')
]

describe('every event is an entry of the log, and its schema knows all its members', () => {
  test.each(events.map(event => [event.eventType, event.payload.unmapped.coordinate, event] as const))('%s of %s', (_, _coordinate, event) => {
    entryOf(event)
  })

  test('and there is one of every family', () => {
    const types = new Set(events.map(({ eventType }) => eventType))
    for (const [family, schema] of Object.entries(auditSchemas())) {
      const known = (schema['properties'] as unknown as { eventType: { enum: readonly string[] } }).eventType.enum
      expect(
        known.some(type => types.has(type)),
        family
      ).toBe(true)
    }
    expect(changeEventTypes.every(type => entrySchema(type) !== null)).toBe(true)
  })
})

describe('the seven Ws', () => {
  test('of a request: who, what, when, where, how, why and its result', () => {
    const found = requestEvent(
      { ...setting, regionOf: () => 'eu-central-1' },
      request('b1', 2, noon, [{ resource: { type: 'topic', name: 'payments', topicId: 'id' } }]).line
    )
    expect(found).toMatchObject({
      timestampMs: noon,
      correlationId: 'adminclient-1/3',
      metadata: { userId: 'User:admin', environment: 'test' },
      payload: {
        time: noon,
        actor: { user: { name: 'User:admin' }, app_name: 'adminclient-1' },
        src_endpoint: { ip: '10.0.0.9', location: { region: 'eu-central-1' } },
        api: { operation: 'CREATE_TOPICS', request: { uid: 'adminclient-1/3' } },
        resources: [{ type: 'topic', name: 'payments', uid: 'id' }],
        status: 'Success',
        status_id: 1
      }
    })
  })

  test.each([
    ['that was refused', 'Failure', [{ errorCode: 36 }], {}],
    ['that was refused in part', 'Failure', [{}, { errorCode: 36 }], {}],
    ['that was refused as a whole', 'Failure', [{}], { errorCode: 29 }],
    ['whose answer does not say', 'Unknown', [{ errorCode: null }], {}],
    ['without items', 'Unknown', [], {}]
  ])('a request %s has the status %s', (_, status, items, facts) => {
    expect(requestEvent(setting, request('b1', 2, noon, items, facts).line).payload['status']).toBe(status)
  })

  test('allowed is not done', () => {
    expect(accessEvent(setting, access('b1', 1, noon).line).payload).toMatchObject({ status: 'Unknown', status_code: 'Allowed' })
  })

  test('a request that a broker passed on does not come from the address of the broker', () => {
    expect(requestEvent(setting, request('b1', 2, noon, [], { forwarded: true }).line).payload).toMatchObject({ src_endpoint: { name: 'unknown' } })
  })

  test('who made a change is unknown, not nobody, until an event of its own says it', () => {
    expect(created.payload).toMatchObject({ actor: { user: { name: 'unknown', type_id: 0 } } })
    expect(attributed('exact')).toMatchObject({ causationId: created.eventId, payload: { actor: { user: { name: 'User:a' } } } })
    expect(attributed('ambiguous').payload).toMatchObject({ actor: { user: { name: 'unknown' } } })
    expect(attributed('none', [])).toMatchObject({ eventType: 'change.unattributed', causationId: created.eventId })
  })
})

const facts: EventFacts = {
  eventType: 'request.done',
  source: 'request-log',
  coordinate: 'b1/0@1',
  timestampMs: noon,
  activity: { id: 1, name: 'Create' },
  severity: 'low',
  principal: 'User:a',
  address: null,
  operation: 'X',
  resources: [],
  status: 'unknown',
  message: 'Something.',
  unmapped: {}
}

describe('an event fits an entry', () => {
  const long = '\u0001'.repeat(200_000)
  const tree = (depth: number): Loose => (depth === 0 ? long.slice(0, 500) : Array.from({ length: 6 }, () => tree(depth - 1)))
  test.each<[string, Partial<EventFacts>]>([
    ['a principal', { principal: long }],
    ['a coordinate', { coordinate: long }],
    ['a message', { message: long }],
    ['an address', { address: long }],
    ['a correlation id', { correlationId: long }],
    ['resources', { resources: Array.from({ length: 5_000 }, (_, index) => ({ type: 'Topic', name: `${'x'.repeat(249)}${index}` })) }],
    ['a tree', { unmapped: { tree: tree(5) } }],
    [
      'everything',
      {
        principal: long,
        message: long,
        unmapped: Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`m${index}`, [long, long, { a: long, b: [long] }]]))
      }
    ]
  ])('however long %s is', (_, parts) => {
    const event = apiActivity(setting, { ...facts, ...parts })
    const { bytes } = seal(event, { origin, sequence: 1, previous })
    expect(bytes.length).toBeLessThan(longestEntryBytes)
    expect(readEntry(bytes)).toMatchObject({ eventId: event.eventId })
    expect(event).toEqual(apiActivity(setting, { ...facts, ...parts }))
  })

  test('and says that something was cut', () => {
    expect(apiActivity(setting, { ...facts, message: long }).payload.metadata).toMatchObject({ is_truncated: true })
    expect(apiActivity(setting, facts).payload.metadata).not.toHaveProperty('is_truncated')
  })

  test('coordinates that differ beyond what is kept are different places', () => {
    const [one, other] = ['a', 'b'].map(end => apiActivity(setting, { ...facts, coordinate: `${long}${end}` }))
    expect(one!.eventId).not.toBe(other!.eventId)
  })

  test('whatever is in it', () => {
    const longer = fc.tuple(fc.string({ unit: 'binary', maxLength: 9 }), fc.nat(2_000)).map(([part, times]) => part.repeat(times))
    const text = fc.oneof(fc.string({ unit: 'binary' }), longer, fc.constantFrom('__proto__', 'attestation_list', '\udc00'))
    const { loose } = fc.letrec<{ loose: Loose }>(tie => ({
      loose: fc.oneof(
        { maxDepth: 5 },
        text,
        fc.double(),
        fc.constant(undefined),
        fc.array(tie('loose'), { maxLength: 30 }),
        fc.dictionary(text, tie('loose'), { maxKeys: 30 })
      )
    }))
    fc.assert(
      fc.property(text, text, loose, loose, fc.array(text, { maxLength: 20 }), (principal, coordinate, one, other, names) => {
        const event = apiActivity(setting, {
          ...facts,
          principal,
          coordinate,
          clientId: principal,
          unmapped: { one, other },
          resources: names.map(name => ({ type: name, name }))
        })
        expect(readEntry(seal(event, { origin, sequence: 1, previous }).bytes)).toMatchObject({ eventId: event.eventId })
      }),
      { numRuns: 20 }
    )
  })
})
