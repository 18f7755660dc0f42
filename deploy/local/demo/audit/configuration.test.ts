import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { policySchema } from '#agents/audit-mirror/policy.ts'
import { streams } from '#agents/catalogue.ts'
import { parseConfig } from '#shared/config/load.ts'
import { configurationEnvironment, configurationText, filesIn } from './configuration.ts'

const folder = mkdtempSync(join(tmpdir(), 'reeve-audit-scene-'))
afterAll(() => rmSync(folder, { recursive: true }))
const files = filesIn(folder)
writeFileSync(files.key, 'a key')
writeFileSync(files.hashKey, 'another key')
const stack = {
  nodes: ['node-1', 'node-2', 'node-3', 'redis'].map((name, index) => ({ name, pid: index + 10 })),
  logs: '/logs',
  saslBrokers: ['127.0.0.1:20001', '127.0.0.1:20005'],
  saslControllers: ['127.0.0.1:20002'],
  redisUrl: 'redis://127.0.0.1:20012',
  principals: { 'reeve-audit-mirror': 'mirror-secret', 'reeve-metadata': 'metadata-secret' }
}

test('the configuration has no mistake, reads every broker and the controllers, and holds no secret', () => {
  const text = configurationText(stack, files)
  expect(text).not.toMatch(/secret"|mirror-secret|metadata-secret|a key/)
  const agents = streams.map(({ name, policy }) => ({ name, policySchema: policy }))
  const loaded = parseConfig({ text, folder: '/', env: configurationEnvironment(stack), agents })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  const { sasl, policy } = loaded.configs[0].agents['audit-mirror']!
  const { metadata, logs, keys, exclude, anchors } = policy as ReturnType<typeof policySchema.parse>
  expect([sasl, metadata?.sasl].map(login => login && 'password' in login && [login.username, login.password.reveal()])).toEqual([
    ['reeve-audit-mirror', 'mirror-secret'],
    ['reeve-metadata', 'metadata-secret']
  ])
  expect(metadata?.controllers).toEqual(stack.saslControllers)
  expect(logs.map(({ host, file }) => [host, file])).toEqual(['node-1', 'node-2', 'node-3'].map(name => [name, `/logs/${name}-authorizer.log`]))
  expect([keys.length, exclude, anchors.length]).toEqual([1, ['User:reeve-*'], 1])
})
