import { expect, test } from 'vitest'
import { harmlessConfigs } from '../kafka/metadata-log/schemas/harmless-configs.ts'
import { configResourceTypes, isSensitiveConfig } from '../kafka/metadata-log/decode/secrets.ts'
import { isShownConfig } from './known-configs.ts'

const [topic, broker, brokerLogger, group] = [2, 4, 8, 32] as const

test('nothing is shown of a request that is dropped from the metadata log, but for three rates that its definitions do not have', () => {
  const names = new Set(Object.values(harmlessConfigs).flat() as string[])
  const more = [
    'follower.replication.throttled.rate',
    'leader.replication.throttled.rate',
    'replica.alter.log.dirs.io.max.bytes.per.second',
    'a.name.nobody.knows'
  ]
  const shown = Object.keys(configResourceTypes).flatMap(code =>
    [...names, ...more].filter(name => isShownConfig(Number(code), name, 'x')).map(name => [Number(code), name] as const)
  )
  expect(shown.length).toBeGreaterThan(100)
  expect(shown.filter(([code, name]) => isSensitiveConfig(code, name)).map(([, name]) => name)).toEqual(more.slice(0, 3))
})

test.each([
  [broker, 'ssl.keystore.password'],
  [broker, 'listener.name.sasl.ssl.keystore.location'],
  [broker, 'authorizer.class.name'],
  [broker, 'sasl.oauthbearer.jwks.endpoint.url'],
  [topic, 'a.name.nobody.knows'],
  [topic, '__proto__'],
  [group, 'retention.ms'],
  [64, 'retention.ms']
])('resource type %i, %s is hidden', (resourceType, name) => {
  expect(isShownConfig(resourceType, name, '1')).toBe(false)
})

test('of a logger its level is shown, and nothing that is none', () => {
  expect(['DEBUG', 'OFF', 'hunter2', 'DEBUG\nhunter2'].map(value => isShownConfig(brokerLogger, 'kafka.controller', value))).toEqual([true, true, false, false])
})
