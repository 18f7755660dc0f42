import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fateNow } from '#deploy/local/process-identity.js'
import { cleanUpCrashedRuns, parseOwnership } from '#deploy/local/runs.ts'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { as, javaOutput, stack, superUser, unique } from '#test/support/stack.ts'

async function clusterSeenBy(connection: KafkaConnection): Promise<{ brokers: number; topics: unknown[] }> {
  const cluster = new Cluster(connection)
  try {
    const { brokers, topics } = await cluster.metadata(null)
    return { brokers: brokers.length, topics: topics.map(({ name }) => name) }
  } finally {
    await cluster.close()
  }
}

test('every broker answers on its plain, its SASL and its TLS listener', async () => {
  const { brokers, saslBrokers, tlsBrokers, caFile } = stack()
  const tls = { caFile, servername: 'localhost' }
  const connections = [
    ...brokers.map(broker => ({ ...superUser(), brokers: [broker] })),
    ...saslBrokers.map(broker => ({ ...as('admin'), brokers: [broker] })),
    ...tlsBrokers.map(broker => ({ clientId: 'test', brokers: [broker], tls }))
  ]
  expect(connections).toHaveLength(9)
  for (const connection of connections) expect((await clusterSeenBy(connection)).brokers).toBe(3)
})

test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('%s takes the right password and refuses a wrong one', async mechanism => {
  const right = as('reeve-engine')
  const sasl = { ...right.sasl, mechanism }
  expect((await clusterSeenBy({ ...right, sasl })).brokers).toBe(3)
  await expect(clusterSeenBy({ ...right, sasl: { ...sasl, password: 'wrong' } })).rejects.toThrow(/authenti/i)
})

test('a client that does not trust the stack’s own authority does not connect', async () => {
  await expect(clusterSeenBy({ clientId: 'test', brokers: stack().tlsBrokers, tls: { servername: 'localhost' } })).rejects.toThrow(
    /certificate|issuer|self.signed|verify/i
  )
})

test('a principal without rights sees no topic, and the authorizer log of a broker says so', async () => {
  const topic = unique('local-stack')
  const topicCommand = ['--bootstrap-server', stack().brokers.join(','), '--topic', topic]
  await javaOutput('org.apache.kafka.tools.TopicCommand', [...topicCommand, '--create', '--partitions', '1'])
  onTestFinished(async () => void (await javaOutput('org.apache.kafka.tools.TopicCommand', [...topicCommand, '--delete'])))
  expect((await clusterSeenBy(as('nobody'))).topics).not.toContain(topic)
  expect((await clusterSeenBy(superUser())).topics).toContain(topic)
  const cluster = new Cluster(as('nobody'))
  onTestFinished(() => cluster.close())
  expect((await cluster.metadata([topic])).topics[0]?.errorCode).toBe(29) // TOPIC_AUTHORIZATION_FAILED
  const logs = join(process.env['REEVE_TEST_STACK']!, '../logs')
  const refusals = () => readdirSync(logs).flatMap(file => (file.includes('authorizer') ? readFileSync(join(logs, file), 'utf8').split('\n') : []))
  await expect.poll(() => refusals().filter(line => line.includes('User:nobody is Denied') && line.includes(topic))).not.toEqual([])
})

test('EndTxn by epoch is on: transaction.version is 2', async () => {
  const features = await javaOutput('org.apache.kafka.tools.FeatureCommand', ['--bootstrap-server', stack().brokers.join(','), 'describe'])
  expect(features).toMatch(/transaction\.version.*FinalizedVersionLevel: 2/)
})

/** Starts a Redis alone in a process of its own and resolves when it is up. */
async function ownerOfARedis(): Promise<{ owner: ChildProcess; run: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'owner-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const script = join(folder, 'owner.ts')
  const stackModule = new URL('../../deploy/local/stack.ts', import.meta.url).href
  writeFileSync(
    script,
    `const { startStack } = await import(${JSON.stringify(stackModule)})\nconsole.log((await startStack({ nodes: 0 })).file)\nsetInterval(() => {}, 1000)\n`
  )
  const owner = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const file = await new Promise<string>((resolve, reject) => {
    owner.stdout.on('data', (line: Buffer) => resolve(line.toString().trim()))
    owner.on('exit', code => reject(new Error(`the owner ended with ${code}`)))
  })
  return { owner, run: join(file, '..') }
}

test('after kill -9 of its owner the next start ends what it left and removes its folder', async () => {
  const { owner, run } = await ownerOfARedis()
  const { children } = parseOwnership(readFileSync(join(run, 'owner.json'), 'utf8'))!
  expect(children.map(fateNow)).toEqual(['alive'])
  await cleanUpCrashedRuns()
  expect(children.map(fateNow)).toEqual(['alive'])
  const ended = new Promise(resolve => owner.on('close', resolve))
  owner.kill('SIGKILL')
  await ended
  expect(children.map(fateNow)).toEqual(['alive'])
  const next = await startStack({ nodes: 0 })
  onTestFinished(() => next.stop())
  expect(children.map(fateNow)).toEqual(['dead'])
  expect(existsSync(run)).toBe(false)
})

test('a part of the stack is stopped, paused and started again at the same address with its data', async () => {
  const own: LocalStack = await startStack({ nodes: 0 })
  onTestFinished(() => own.stop())
  const before = own.pidOf('redis')
  await own.stopNode('redis', 'SIGKILL')
  expect(own.pidOf('redis')).toBeUndefined()
  await own.startNode('redis')
  expect(own.pidOf('redis')).not.toBe(before)
  await own.pauseNode('redis')
  await own.resumeNode('redis')
  await expect(own.stopNode('node-9')).rejects.toThrow('the stack has no "node-9": expected one of redis')
})
