import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { newAuthority } from '#deploy/local/x509.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { type MetadataLog, type MetadataLogItem, openMetadataLog } from '#shared/kafka/metadata-log/index.ts'
import { type MirrorWorld, openMirrorWorld } from '../support/audit-mirror-world.ts'
import { activeController, type Witness, watch } from '../support/metadata-witness.ts'
import { until } from '../support/replica.ts'
import { unique } from '../support/stack.ts'

/* Controllers whose listeners speak TLS, as a production's do. */
const folder = mkdtempSync(join(tmpdir(), 'metadata-tls-'))
const foreignCa = join(folder, 'foreign.pem')
const servername = 'localhost'
let stack: LocalStack
let world: MirrorWorld
let witness: Witness | undefined
let log: MetadataLog | undefined

beforeAll(async () => {
  writeFileSync(foreignCa, newAuthority('CN=not the one of the controllers').certificate)
  const login = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  stack = await startStack({
    heapMb: 384,
    properties: { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' },
    listeners: {
      CONTROLLER_TLS: { protocol: 'SSL', properties: {}, controller: true },
      CONTROLLER_SASL_TLS: {
        protocol: 'SASL_SSL',
        properties: { 'sasl.enabled.mechanisms': 'SCRAM-SHA-512', 'scram-sha-512.sasl.jaas.config': login },
        controller: true
      }
    }
  })
  process.env['REEVE_TEST_STACK'] = stack.file
  world = await openMirrorWorld({ seed: 1, controllers: stack.description.controllers })
  const cluster = { resourceType: 'cluster', resourceName: 'kafka-cluster', pattern: 'literal', host: '*', permission: 'allow' } as const
  await world.kafka.admin.createAcls([{ ...cluster, principal: 'User:reeve-metadata', operation: 'cluster-action' }])
}, 300_000)
afterEach(async () => {
  await witness?.stop()
  await log?.close()
  witness = log = undefined
})
afterAll(async () => {
  await world?.close()
  await stack?.stop()
  rmSync(folder, { recursive: true })
})

const overTls = (caFile: string): KafkaConnection => ({
  brokers: stack.description.extraBrokers!['CONTROLLER_TLS']!,
  clientId: 'metadata-tls',
  tls: { caFile, servername }
})
const asReader = (): KafkaConnection => ({
  brokers: stack.description.extraBrokers!['CONTROLLER_SASL_TLS']!,
  clientId: 'metadata-tls',
  tls: { caFile: stack.description.caFile, servername },
  sasl: { mechanism: 'SCRAM-SHA-512', username: 'reeve-metadata', password: stack.description.principals['reeve-metadata']! }
})
const holds = (name: string) => (item: MetadataLogItem) => item.kind === 'records' && item.records.some(({ value }) => value.includes(name))
const createTopic = (name: string) => world.kafka.admin.createTopics([{ name, partitions: 1, replicationFactor: 3 }])

test.for([
  ['TLS', () => overTls(stack.description.caFile)],
  ['TLS and a login with CLUSTER_ACTION alone', asReader]
] as const)('over %s each committed change comes, also when the active controller is killed', async ([, connection]) => {
  witness = watch(openMetadataLog(connection()))
  const [before, after] = [unique('before'), unique('after')]
  const seen = witness.until('a change', holds(before))
  await createTopic(before)
  await seen
  const { node, epoch } = await activeController(stack.description)
  const elected = witness.until('the new leader', item => item.kind === 'records' && item.leaderEpoch > epoch)
  await stack.stopNode(`node-${node}`, 'SIGKILL')
  await elected
  await stack.startNode(`node-${node}`)
  const seenAfter = witness.until('a change after the election', holds(after))
  await createTopic(after)
  await seenAfter
  // The witness throws where two items do not follow each other.
  expect(witness.items.filter(({ kind }) => kind === 'rewritten')).toEqual([])
})

/** What the reader says of controllers that it cannot read from, and after how long. */
async function refusal(connection: KafkaConnection): Promise<{ readonly error: unknown; readonly tookMs: number }> {
  log = openMetadataLog(connection)
  const beganAtMs = performance.now()
  for (let polls = 0; polls < 30; polls++) {
    try {
      await log.poll({ maxWaitMs: 1_000 })
    } catch (error) {
      return { error, tookMs: performance.now() - beganAtMs }
    }
  }
  throw new Error('nothing was said')
}

test('an authority that the controllers are not of is an error that says so, within seconds', async () => {
  const { error, tookMs } = await refusal(overTls(foreignCa))
  console.log(`after ${Math.round(tookMs)} ms: ${(error as Error).message}`)
  expect(error).toMatchObject({ kind: 'tls', retriable: false, message: expect.stringMatching(/^controller 127\.0\.0\.1:\d+: .*certificate.*foreign\.pem/) })
  expect(tookMs).toBeLessThan(10_000)
})

test('a name that is not in their certificate is one too', async () => {
  const { error } = await refusal({ ...overTls(stack.description.caFile), tls: { caFile: stack.description.caFile, servername: 'controllers.example' } })
  expect(error).toMatchObject({ kind: 'tls', message: expect.stringMatching(/controllers\.example/) })
})

test('TLS where the controllers speak none, and none where they do, are errors too', async () => {
  const astray = await refusal({ ...overTls(stack.description.caFile), brokers: stack.description.controllers })
  expect(astray.error).toMatchObject({ kind: 'tls', message: expect.stringMatching(/^controller 127\.0\.0\.1:\d+: /) })
  await log!.close()
  const plain = await refusal({ brokers: overTls(foreignCa).brokers, clientId: 'metadata-tls' })
  expect(plain.error).toMatchObject({ kind: 'tls', message: expect.stringContaining('requires TLS') })
})

test('a mirror with a wrong authority tells of it again and again, and its checkpoints name the source as silent; one with the right one reads', async () => {
  const metadata = (caFile: string) => ({ controllers: [...overTls(caFile).brokers], tls: { caFile, servername } })
  const mirror = world.mirror('astray', { metadata: metadata(foreignCa), giveUp: '2s' })
  const astray = mirror.start()
  await astray.leads()
  await until('it is told twice', () => told(astray.lines).length > 1, 30_000)
  expect(told(astray.lines)[0]).toMatch(/certificate/)
  await world.load(3)
  await world.closing()
  const silent = async () =>
    (await world.read(mirror)).entries.filter(
      ({ eventType, value }) => eventType === 'audit.checkpoint' && JSON.stringify(value.payload.unmapped['silent'] ?? null).includes('metadata-log')
    )
  await until('a checkpoint names it', async () => (await silent()).length > 0, 30_000)
  await astray.stop()
  console.log(`${told(astray.lines).length} times: ${told(astray.lines)[0]}`)
  const right = world.mirror('right', { metadata: metadata(stack.description.caFile) })
  await right.start().leads()
  const name = unique('over-tls')
  await createTopic(name)
  const created = async () =>
    (await world.read(right)).entries.some(({ eventType, value }) => eventType === 'topic.created' && JSON.stringify(value.payload).includes(name))
  await until('the change is told', created, 30_000)
})

/** What was said of the metadata log. */
function told(lines: readonly Record<string, unknown>[]): string[] {
  return lines.flatMap(({ msg, source }) => (JSON.stringify(source ?? '').includes('metadata-log') ? [String(msg)] : []))
}
