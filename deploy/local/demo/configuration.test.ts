import { expect, test } from 'vitest'
import { catalogue } from '#agents/catalogue.ts'
import { parseConfig } from '#shared/config/load.ts'
import { ownerOfGroup } from '#shared/domain/owner.ts'
import { cast, farBehindMessages } from './cast.ts'
import { configurationEnvironment, configurationText } from './configuration.ts'

const place = {
  saslBrokers: ['127.0.0.1:20001', '127.0.0.1:20005'],
  redisUrl: 'redis://127.0.0.1:20012',
  webhook: (channel: string) => `http://127.0.0.1:1/services/sink-${channel}`
}
const passwords = { 'reeve-engine': 'engine-secret', 'reeve-operator': 'operator-secret', 'reeve-consumer-guardian': 'guardian-secret' }

function load(user: string) {
  const agents = catalogue.map(({ name, policy }) => ({ name, policySchema: policy }))
  const loaded = parseConfig({ text: configurationText(), folder: '/', env: configurationEnvironment(place, user, passwords), agents })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  return loaded.configs[0]
}

test('the generated configuration has no mistake, acts, and names no cluster but the one given', () => {
  const config = load('reeve-engine')
  expect(config.cluster.brokers).toEqual(place.saslBrokers)
  expect(config.redis.url.reveal()).toBe(place.redisUrl)
  expect(config.agents['consumer-guardian']).toMatchObject({ enabled: true, act: true })
  expect(config.agents['consumer-guardian']!.policy).toMatchObject({ lagMessages: farBehindMessages, pauseOn: ['stuckBehind', 'crashLoop'] })
})

test('engine, agent and people are different principals, and no secret is in the text', () => {
  const loginOf = ({ sasl }: { readonly sasl: ReturnType<typeof load>['cluster']['sasl'] }) =>
    sasl && 'password' in sasl ? [sasl.username, sasl.password.reveal()] : null
  const login = (user: string) => loginOf(load(user).cluster)
  expect([login('reeve-engine'), login('reeve-operator')]).toEqual([
    ['reeve-engine', 'engine-secret'],
    ['reeve-operator', 'operator-secret']
  ])
  expect(loginOf(load('reeve-operator').agents['consumer-guardian']!)).toEqual(['reeve-consumer-guardian', 'guardian-secret'])
  expect(configurationText()).not.toMatch(/secret|services/)
})

test('every group reaches the team that the cast names, and the one without a team reaches nobody', () => {
  const { owners } = load('reeve-engine')
  for (const { groupId, topic, team } of cast) {
    const found = ownerOfGroup(owners, groupId, [topic.name])
    expect([groupId, found?.rule.team ?? null, found?.rule.channel ?? null, found?.by ?? null]).toEqual([groupId, team, team, team === null ? null : 'group'])
  }
})
