import { parseConfig } from '#shared/config/load.ts'
import type { AddressFacts, Facts, PrincipalFacts, Settings } from '#shared/doctor/facts.ts'
import { aclsFor, engineRights } from '#shared/engine/rights.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { byEntries } from '#shared/doctor/acl.ts'
import type { AclEntry } from '#shared/kafka/ports.ts'
import { clusterView, type ViewSketch } from './cluster-view.ts'

/** Reeve's own topics. */
export const wanted = topicSettings(reeveTopics('reeve'), 3)
const probes = { anything: 'nobody-uses-this', ours: 'reeve.nobody-uses-this' }
const onTopics = ['read', 'write', 'create', 'delete', 'alter', 'describe', 'describe-configs', 'alter-configs']
const onCluster = ['create', 'alter', 'describe', 'cluster-action', 'describe-configs', 'alter-configs', 'idempotent-write']

/** Settings as a broker or topic lists them. */
export function settings(values: Readonly<Record<string, string>>): Settings {
  return new Map(Object.entries(values).map(([name, value]) => [name, { value, isDefault: false, isSensitive: false }]))
}

/** A configuration of three brokers on this machine, an owner and a webhook, with other lines at its end. */
export function config(lines = ''): Facts['config'] {
  const known = parsed.get(lines)
  if (known) return known
  const text = `version: 1
cluster: { brokers: ['127.0.0.1:9093', '127.0.0.1:9094'], sasl: { mechanism: SCRAM-SHA-512, username: reeve, password: secret } }
redis: { url: 'redis://127.0.0.1' }
notify: { platformChannel: platform, channels: { platform: { slackWebhook: 'http://127.0.0.1/x' } } }
agents: { }
${lines}`
  const merged = new Map<string, string>()
  for (const line of text.split('\n')) if (line !== '') merged.set(line.split(':')[0]!, line)
  const loaded = parseConfig({ text: [...merged.values()].join('\n'), folder: '/', env: {}, agents: [] })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  const [read] = loaded.configs
  parsed.set(lines, read)
  return read
}

/** By what they end with: hundreds of tests ask for the same few. */
const parsed = new Map<string, Facts['config']>()

/** What brokers would say of a principal that has exactly these entries. */
export function principal(acls: readonly AclEntry[], changes: Partial<PrincipalFacts> = {}): PrincipalFacts {
  const name = changes.principal ?? 'User:reeve'
  const may = (resourceType: AclEntry['resourceType'], resourceName: string, operation: string) => {
    const { granted, refusedBy } = byEntries(acls, name, { resourceType, resourceName, pattern: 'literal', operation })
    return granted && refusedBy.length === 0
  }
  const of = (topic: string, exists: boolean) => ({ exists, operations: new Set(onTopics.filter(operation => may('topic', topic, operation))) })
  const names = wanted.map(topic => topic.name)
  return {
    roles: ['engine'],
    principal: name,
    rights: engineRights,
    probes,
    connected: { value: true },
    cluster: { value: new Set(onCluster.filter(operation => may('cluster', 'kafka-cluster', operation))) },
    topics: { value: new Map(['orders', ...names].map(topic => [topic, of(topic, true)])) },
    named: {
      value: new Map([
        ...names.map(topic => [topic, of(topic, true)] as const),
        [probes.ours, of(probes.ours, false)],
        [probes.anything, of(probes.anything, false)]
      ])
    },
    describes: {
      value: new Map([
        [`group ${probes.anything}`, may('group', probes.anything, 'describe')],
        ['transactional-id reeve.state', may('transactional-id', 'reeve.state', 'describe')]
      ])
    },
    ...changes
  }
}

/** One broker of Kafka 4.1 that understands everything. */
export function address(
  broker: number,
  changes: { supported?: Record<string, number>; finalized?: Record<string, number>; missingApis?: string[]; address?: string } = {}
): AddressFacts {
  const levels = { 'metadata.version': 27, 'transaction.version': 2, 'group.version': 1 }
  const { address: at = `127.0.0.1:${9092 + broker}`, ...answer } = changes
  return { address: at, bootstrap: broker < 3, broker, answer: { value: { tookMs: 2, supported: levels, finalized: levels, missingApis: [], ...answer } } }
}

export const view = (sketch: ViewSketch = {}) =>
  clusterView({
    topics: { orders: [1, 1], ...Object.fromEntries(wanted.map(({ name }) => [name, [1]])) },
    groups: { shipping: { committed: { orders: { 0: 1 } } } },
    ...sketch
  })

/** A cluster where all is well, but for what is changed. */
export function facts(changes: Partial<Facts> = {}): Facts {
  const acls = aclsFor(engineRights, 'User:reeve')
  const broker = settings({ 'broker.session.timeout.ms': '6000', 'replica.lag.time.max.ms': '10000', 'auto.create.topics.enable': 'false' })
  return {
    config: config('owners: [{ team: shipping, channel: platform, groups: [shipping] }]'),
    addresses: [1, 2, 3].map(id => address(id)),
    view: { value: view() },
    scanMs: 120,
    principals: [principal(acls)],
    settings: { value: new Map([1, 2, 3].map(id => [id, broker])) },
    wanted,
    topicSettings: { value: new Map(wanted.map(({ name, configs }) => [name, settings(configs ?? {})])) },
    acls: { value: acls },
    quotas: { value: [] },
    clocks: {
      controller: { value: { broker: 1, offMs: 3, withinMs: 5, voters: [1, 2, 3] } },
      stamps: {
        value: new Map([
          [1, -400],
          [2, -10],
          [3, -99_999]
        ])
      },
      redis: { value: { offMs: -1, withinMs: 2 } }
    },
    redis: {
      address: '127.0.0.1:6379',
      tls: false,
      findings: [
        { level: 'ok', what: 'reachable', found: '127.0.0.1:6379', expected: '' },
        { level: 'ok', what: 'version', found: '7.4.0', expected: '' }
      ]
    },
    channels: [{ channel: 'platform', place: 'x', ways: [{ way: 'Slack webhook at 127.0.0.1', tellsFrom: 'info', reached: { value: 'reached' } }] }],
    audits: [],
    ...changes
  }
}
