import { describe, expect, test } from 'vitest'
import { readAuthorizerMessage } from '#shared/broker-logs/authorizer-line.ts'
import type { BrokerLogLine } from '#shared/broker-logs/line.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { MirrorInput } from './feeds/feed.ts'
import { policySchema } from './policy.ts'
import { transform } from './transform.ts'

const about = { clusterId: 'a-cluster', sourceIds: ['metadata-log', 'authorizer/0'] }
const policy = policySchema.parse({ window: '1s', skew: '0s', lateness: '1s', exclude: ['User:reeve-*'] })
const startMs = Date.UTC(2026, 10, 21, 12)

function line(offset: number, second: number, more: { principal?: string; allowed?: boolean; operation?: string; request?: string } = {}): MirrorInput {
  const { principal = 'User:app', allowed = true, operation = 'READ', request = 'Fetch' } = more
  const rule = allowed ? 'SuperUser' : 'DefaultDeny'
  const message = `Principal = ${principal} is ${allowed ? 'Allowed' : 'Denied'} operation = ${operation} from host = 10.0.0.7 on resource = Topic:LITERAL:orders for request = ${request} with resourceRefCount = 1 based on rule ${rule}`
  const coordinate = { kind: 'topic', topic: 'broker-logs', partition: 0, offset, host: null } as const
  const time = { atMs: startMs + second * 1_000, timeCertainty: 'stated' } as const
  const read = { coordinate, time, level: 'INFO', flaws: [], forgeable: false, accessAsked: true }
  const brokerLine = { kind: 'authorizer', ...read, ...readAuthorizerMessage(message) } as BrokerLogLine
  return { kind: 'brought', input: { kind: 'line', sourceId: 'authorizer/0', position: offset, line: brokerLine }, through: offset + 1, replay: false }
}

function change(offset: number, second: number): MirrorInput {
  const timestampMs = startMs + second * 1_000
  const difference = {
    kind: 'config-changed',
    resource: { type: 'topic', name: 'orders', id: 'AAAA' },
    before: { 'retention.ms': null },
    after: { 'retention.ms': '1' }
  } as const
  const input = {
    kind: 'change',
    sourceId: 'metadata-log',
    position: offset,
    source: 'metadata-log',
    coordinate: `__cluster_metadata@${offset}`,
    timestampMs,
    earliestMs: timestampMs,
    change: difference,
    records: null,
    consequence: null
  } as const
  return { kind: 'brought', input, through: offset + 1, replay: false }
}

const time = (second: number): MirrorInput => ({
  kind: 'brought',
  input: { kind: 'time', sourceId: 'metadata-log', position: 0, timestampMs: startMs + second * 1_000 },
  through: 0,
  replay: false
})

/** Runs steps one by one, and what they gave to be remembered. */
function run(steps: readonly (readonly MirrorInput[])[], remembered = new Map<string, JsonValue>()) {
  const { step } = transform(about, policy, remembered)
  const events: string[] = []
  for (const inputs of steps) {
    const { outputs, remember } = step(inputs)
    events.push(...outputs.flatMap(output => output.events.map(({ eventType }) => eventType)))
    for (const [key, value] of remember) {
      if (value === null) remembered.delete(key)
      else remembered.set(key, JSON.parse(JSON.stringify(value)) as JsonValue)
    }
  }
  return { events, remembered }
}

describe('a change', () => {
  test('is written at once, and attributed when its window has passed at every source', () => {
    const alter = line(0, 1, { operation: 'ALTER_CONFIGS', request: 'IncrementalAlterConfigs' })
    expect(run([[alter], [change(0, 1)]]).events).toEqual(['access.allowed', 'config.changed'])
    expect(run([[alter], [change(0, 1)], [time(10)], [line(1, 10)]]).events).toEqual(['access.allowed', 'config.changed', 'change.attributed'])
    expect(run([[change(0, 1)], [time(10)], [line(1, 10)]]).events).toEqual(['config.changed', 'change.unattributed'])
  })

  test('that is open when the process ends is judged by the one that goes on', () => {
    const { remembered } = run([[change(0, 1)], [line(0, 1)]])
    expect([...remembered.keys()]).toContain('change/__cluster_metadata@0')
    const after = run([[time(10)], [line(1, 10)]], remembered)
    expect(after.events).toEqual(['change.unattributed'])
    expect(after.remembered.get('change/__cluster_metadata@0')).toMatchObject({ unattributed: true })
  })

  test('that nobody was known to have made is attributed late, and forgotten with it', () => {
    const alter = line(2, 1, { operation: 'ALTER_CONFIGS', request: 'IncrementalAlterConfigs' })
    const first = run([[change(0, 1)], [time(10)], [line(1, 10)]])
    const { events, remembered } = run([[alter], [time(90)], [line(3, 90)]], first.remembered)
    expect(events.filter(type => type.startsWith('change.'))).toEqual(['change.attributed'])
    expect([...remembered.keys()].filter(key => key.startsWith('change/'))).toEqual([])
  })
})

describe('what is remembered', () => {
  test('says where a source was read to, and where it must be read again from while something of it is open', () => {
    const { remembered } = run([[line(0, 1), line(1, 2)]])
    expect(remembered.get('source/authorizer/0')).toMatchObject({ through: 2, resume: { at: 0 } })
    const later = run([[line(0, 1), line(1, 2)], [line(2, 200, { allowed: false })]])
    expect(later.events).toEqual(['access.denied', 'access.folded'])
    expect(later.remembered.get('source/authorizer/0')).toMatchObject({ through: 3, resume: { at: null } })
  })

  test('counts whom it leaves out since the beginning, and the sum outlives the process', () => {
    const first = run([[line(0, 1, { principal: 'User:reeve-engine' })]])
    expect(first.events).toEqual([])
    const { step } = transform(about, policy, first.remembered)
    const [output] = step([line(1, 2, { principal: 'User:reeve-engine' }), line(2, 3, { allowed: false })]).outputs
    expect(output!.circumstances.excluded).toContainEqual(expect.objectContaining({ principal: 'User:reeve-engine', lines: 2 }))
  })
})

test('what is read again after a restart moves no position back', () => {
  const { remembered } = run([[line(0, 1), line(1, 2), line(2, 3)]])
  const again = { ...(line(0, 1) as Extract<MirrorInput, { kind: 'brought' }>), replay: true }
  const after = run([[again], [change(0, 3)]], remembered)
  expect(after.events).toEqual(['config.changed'])
  expect(after.remembered.get('source/authorizer/0')).toMatchObject({ through: 3 })
})

test('the same inputs give the same events, however they are cut into steps', () => {
  const inputs = [line(0, 1, { allowed: false }), change(0, 2), line(1, 3), time(20), line(2, 90), line(3, 190, { allowed: false })]
  const whole = run([inputs]).events
  expect(run(inputs.map(input => [input])).events.toSorted()).toEqual(whole.toSorted())
  expect(whole.length).toBeGreaterThan(4)
})

test('what is measured: events by type, losses but not beginnings, drift as it stands, and the time of a source that told one', () => {
  const { step } = transform(about, policy, new Map())
  const gap = { kind: 'gap', sourceId: 'authorizer/0', coordinate: 'a', timestampMs: startMs, from: 0, to: 1, reason: 'gone' } as const
  const began = { ...gap, begins: true, coordinate: 'b' } as const
  const guard = { kind: 'guard', powers: {}, findings: 2, drift: null, timestampMs: startMs } as const
  const counted = (facts: ReturnType<typeof step>['facts']) => facts!.counts.map(({ name, labels, by }) => `${name} ${Object.values(labels).join()} ${by}`)
  const first = step([]).facts
  // What can happen is there before it does.
  expect(counted(first)).toEqual([
    'reeve_audit_events_total change.unattributed 0',
    'reeve_audit_events_total audit.gap 0',
    'reeve_audit_events_total audit.drifted 0',
    'reeve_audit_gaps_total metadata-log 0',
    'reeve_audit_gaps_total authorizer/0 0'
  ])
  expect(first!.readings).toEqual([])
  const second = step([gap, began, guard, line(0, 5, { allowed: false })]).facts
  expect(counted(second)).toEqual(['reeve_audit_events_total audit.gap 2', 'reeve_audit_events_total access.denied 1', 'reeve_audit_gaps_total authorizer/0 1'])
  expect(second!.readings).toEqual([
    { name: 'reeve_audit_source_timestamp_seconds', labels: { source: 'authorizer/0' }, value: startMs / 1_000 + 5 },
    { name: 'reeve_audit_drift_findings', labels: {}, value: 2 }
  ])
})
