import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readAuthorizerMessage } from '#shared/broker-logs/authorizer-line.ts'
import type { BrokerLogLine } from '#shared/broker-logs/line.ts'
import type { AuditEvent } from '#shared/audit/event.ts'
import { chainOf } from '#shared/audit/routing.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { MirrorInput } from './feeds/feed.ts'
import { policySchema } from './policy.ts'
import { transform } from './transform.ts'

const about = { clusterId: 'a-cluster', sourceIds: ['metadata-log', 'authorizer/0', 'authorizer/1'] }
const policy = policySchema.parse({ window: '1s', skew: '0s', lateness: '1s' })
const startMs = Date.UTC(2026, 10, 21, 12)

/** Something of any of the sources, at a second. */
type Drawn = readonly [kind: 'denied' | 'read' | 'change' | 'gap' | 'guard', partition: number, second: number]

function input([kind, partition, second]: Drawn, offset: number): MirrorInput {
  const timestampMs = startMs + second * 1_000
  const sourceId = `authorizer/${partition}`
  if (kind === 'gap') return { kind: 'gap', sourceId, coordinate: `broker-logs/${partition}@${offset}-`, timestampMs, from: 0, to: 1, reason: 'deleted' }
  if (kind === 'guard') return { kind: 'excluded', coordinate: `exclusion#${offset}`, timestampMs, principals: [] }
  if (kind === 'change') {
    const change = { kind: 'config-changed', resource: { type: 'topic', name: 'orders', id: 'AAAA' }, before: {}, after: { 'retention.ms': '1' } } as const
    const at = { position: offset, coordinate: `__cluster_metadata@${offset}`, timestampMs, earliestMs: timestampMs }
    const changed = { kind: 'change', sourceId: 'metadata-log', source: 'metadata-log', ...at, change, records: null, consequence: null } as const
    return { kind: 'brought', input: changed, through: offset + 1, replay: false }
  }
  const verdict = kind === 'denied' ? 'Denied' : 'Allowed'
  const message = `Principal = User:app is ${verdict} operation = READ from host = 10.0.0.7 on resource = Topic:LITERAL:orders for request = Fetch with resourceRefCount = 1 based on rule ${verdict === 'Denied' ? 'DefaultDeny' : 'SuperUser'}`
  const coordinate = { kind: 'topic', topic: 'broker-logs', partition, offset, host: null } as const
  const read = { coordinate, time: { atMs: timestampMs, timeCertainty: 'stated' }, level: 'INFO', flaws: [], forgeable: false, accessAsked: true }
  const line = { kind: 'authorizer', ...read, ...readAuthorizerMessage(message) } as BrokerLogLine
  return { kind: 'brought', input: { kind: 'line', sourceId, position: offset, line }, through: offset + 1, replay: false }
}

/** The source of each event by its id, of inputs that are cut into steps, with a restart behind each. */
function sourcesOf(inputs: readonly MirrorInput[], cuts: readonly number[]): Map<string, string | null> {
  const remembered = new Map<string, JsonValue>()
  const found = new Map<string, string | null>()
  let from = 0
  for (const to of [...cuts.toSorted((one, other) => one - other), inputs.length]) {
    const { outputs, remember } = transform(about, policy, remembered).step(inputs.slice(from, to))
    for (const { events, eventSources } of outputs) {
      expect(eventSources).toHaveLength(events.length)
      for (const [index, event] of events.entries()) {
        expect(eventSources[index]).toBe(expected(event))
        found.set(event.eventId, eventSources[index]!)
      }
    }
    for (const [key, value] of remember) {
      if (value === null) remembered.delete(key)
      else remembered.set(key, JSON.parse(JSON.stringify(value)) as JsonValue)
    }
    from = to
  }
  return found
}

/** What an event is about, by what it says itself. */
function expected({ eventType, payload: { unmapped } }: AuditEvent): string | null {
  if (eventType.startsWith('change.') || eventType === 'config.changed') return 'metadata-log'
  if (eventType === 'audit.excluded') return null
  return /^(broker-logs|authorizer)\/1@/.test(unmapped.coordinate) ? 'authorizer/1' : 'authorizer/0'
}

test("one source's events never split over the logs of a topic, however the inputs come and whoever goes on", () => {
  const drawn = fc.tuple(fc.constantFrom('denied', 'read', 'change', 'gap', 'guard'), fc.integer({ min: 0, max: 1 }), fc.nat({ max: 400 }))
  const draws = fc.array(drawn, { minLength: 1, maxLength: 25 })
  fc.assert(
    fc.property(draws, fc.array(fc.nat({ max: 25 }), { maxLength: 4 }), fc.integer({ min: 2, max: 16 }), (all, cuts, chains) => {
      const inputs = all.toSorted((one, other) => one[2] - other[2]).map(input)
      const [whole, cut] = [sourcesOf(inputs, []), sourcesOf(inputs, cuts)]
      for (const [eventId, source] of cut) if (whole.has(eventId)) expect(chainOf(source, chains)).toBe(chainOf(whole.get(eventId)!, chains))
    }),
    { numRuns: 60 }
  )
})
