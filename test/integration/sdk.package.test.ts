import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { output } from '#deploy/local/commands.ts'
import { checkout, localFolder } from '#deploy/local/folders.ts'
import { buildSdk } from '#deploy/sdk/sdk-package.ts'
import { openLogReader } from '#shared/kafka/log-reader/index.ts'
import { type Ack, ackSchema, controlKey, decode, type Target } from '#shared/sdk/protocol.ts'
import { adopterProgram, type Client, type Flavour } from '#test/support/sdk-adopters.ts'
import { adopterTypes } from '#test/support/sdk-adopter-types.ts'
import { superUser, unique } from '#test/support/stack.ts'

const confluentFolder = join(localFolder, 'confluent/node_modules/@confluentinc/kafka-javascript')
const clients: readonly Client[] = ['kafkajs', 'confluent', 'platformatic']
const flavours: readonly Flavour[] = ['ESM', 'CommonJS']

const connection = superUser('sdk-package')
const kafka = new kafkajs.Kafka({ brokers: [...connection.brokers], clientId: 'sdk-package-test', logLevel: kafkajs.logLevel.NOTHING })
const admin = kafka.admin()
const producer = kafka.producer({
  createPartitioner:
    () =>
    ({ message }) =>
      Number(message.headers?.['partition'] ?? 0)
})
const prefix = unique('sdkpkg')
const topic = `${prefix}.records`
const topics = [topic, `${prefix}.control`, `${prefix}.acks`]
const stopTraffic = new AbortController()
const children: ChildProcess[] = []
let traffic: Promise<void> | undefined
let clusterId = ''
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reeve-sdk-'))
  await Promise.all([install(), admin.connect(), producer.connect()])
  clusterId = (await admin.describeCluster()).clusterId
  await admin.createTopics({
    waitForLeaders: false,
    topics: topics.map(name => ({ topic: name, numPartitions: name === topic ? 2 : 1, replicationFactor: 3 }))
  })
  await topicsAreThere()
  traffic = (async () => {
    while (!stopTraffic.signal.aborted) {
      await producer.send({ topic, messages: ['0', '1'].map(partition => ({ value: 'x', headers: { partition } })) })
      await sleep(25, undefined, { signal: stopTraffic.signal }).catch(() => undefined)
    }
  })()
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  stopTraffic.abort()
  await traffic
  await admin.deleteTopics({ topics })
  await Promise.all([admin.disconnect(), producer.disconnect()])
  await rm(folder, { recursive: true, force: true })
})

async function topicsAreThere(): Promise<void> {
  await vi.waitFor(
    async () => {
      const found = (await admin.fetchTopicMetadata({ topics })).topics
      if (found.some(each => each.partitions.some(({ leader }) => leader < 0))) throw new Error('a partition has no leader yet')
    },
    { timeout: 10_000 }
  )
}

/** The tarball in a project of its own for each client, beside nothing but that client. */
async function install(): Promise<void> {
  const tarball = (await output(['npm', 'pack', '--silent', '--pack-destination', folder], { cwd: await buildSdk(join(folder, 'built')) })).trim()
  await Promise.all(
    clients.map(async client => {
      const project = join(folder, client)
      await mkdir(project)
      await writeFile(join(project, 'package.json'), '{ "name": "adopter", "private": true }\n')
      const beside = client === 'kafkajs' ? ['kafkajs@2.2.4'] : []
      const quietly = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
      await output(['npm', 'install', ...quietly, join(folder, tarball), ...beside], { cwd: project })
      const linked = join(project, 'node_modules/@confluentinc/kafka-javascript')
      if (client !== 'confluent' || !existsSync(confluentFolder)) return
      await mkdir(dirname(linked), { recursive: true })
      await symlink(confluentFolder, linked)
    })
  )
}

async function tell(target: Omit<Target, 'clusterId'>, state: 'paused' | null): Promise<{ commandId: string; atMs: number }> {
  const [commandId, now] = [randomUUID(), Date.now()]
  const command = { version: 1, commandId, state, issuedAtMs: now, untilMs: now + 60_000, ttlMs: 60_000, reason: 'a test', issuer: 'test' }
  await producer.send({ topic: `${prefix}.control`, messages: [{ key: controlKey({ clusterId, ...target }), value: state && JSON.stringify(command) }] })
  return { commandId, atMs: now }
}

/** Every ack of a group so far, in order. */
async function acksOf(groupId: string): Promise<Ack[]> {
  const reader = await openLogReader(connection)
  const acks: Ack[] = []
  try {
    await reader.assign(`${prefix}.acks`, 0, 'start')
    await reader.readToEnd(record => {
      const ack = decode(ackSchema, record.value)
      if (ack?.groupId === groupId) acks.push(ack)
    })
  } finally {
    await reader.close()
  }
  return acks
}
const lastAck = (groupId: string, ack: object): Promise<void> =>
  vi.waitFor(async () => expect((await acksOf(groupId)).at(-1)).toMatchObject(ack), { timeout: 15_000, interval: 200 })

interface Line {
  readonly event: string
  readonly atMs: number
  readonly partition?: number
  readonly message?: string
}

async function start(client: Client, flavour: Flavour) {
  const { file, text } = adopterProgram(client, flavour)
  const cwd = join(folder, client)
  await writeFile(join(cwd, file), text)
  const groupId = unique(`sdkpkg-${client}-${flavour}`)
  const child = spawn(process.execPath, [file, JSON.stringify({ brokers: connection.brokers, groupId, topic, prefix })], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe']
  })
  children.push(child)
  const lines: Line[] = []
  let errors = ''
  createInterface({ input: child.stdout }).on('line', line => lines.push(JSON.parse(line) as Line))
  child.stderr.on('data', chunk => (errors += chunk))
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const records = (sinceMs = 0): Line[] => lines.filter(({ event, atMs }) => event === 'record' && atMs > sinceMs)
  const reads = (sinceMs: number, partitions = [0, 1]) =>
    vi.waitFor(() => expect(new Set(records(sinceMs).map(({ partition }) => partition)), errors).toEqual(new Set(partitions)), {
      timeout: 20_000,
      interval: 20
    })
  return {
    groupId,
    records,
    reads,
    stop: () => (child.stdin.end(), ended),
    warned: () => lines.flatMap(({ event, message }) => (event === 'warn' ? [message] : [])),
    errors: () => errors
  }
}

describe.concurrent.for(clients.flatMap(client => flavours.map(flavour => [client, flavour] as const)))('%s, %s', ([client, flavour]) => {
  test('installed from its tarball, it pauses a real consumer, gives it back and says so', async context => {
    if (client === 'confluent' && !existsSync(confluentFolder)) context.skip('@confluentinc/kafka-javascript is not built here')
    const { groupId, records, reads, stop, warned, errors } = await start(client, flavour)
    await reads(0)
    const whole = client === 'platformatic'

    const part = await tell({ groupId, topic, partition: 1 }, 'paused')
    if (whole) {
      await lastAck(groupId, { commandId: part.commandId, state: 'unsupported', refused: [part.commandId], grain: 'group', paused: [] })
      await reads(Date.now())
    } else {
      await lastAck(groupId, { commandId: part.commandId, state: 'paused', grain: 'partition', paused: [`${topic}-1`] })
      await sleep(500)
      const fromMs = Date.now()
      await reads(fromMs, [0])
      await sleep(500)
      expect(records(fromMs).some(({ partition }) => partition === 1)).toBe(false)
    }
    await tell({ groupId, topic, partition: 1 }, null)
    await reads(Date.now())

    const pause = await tell({ groupId }, 'paused')
    const name = { kafkajs: /^kafkajs\/2\.2\.4$/, confluent: /^@confluentinc\/kafka-javascript\/1\./, platformatic: /^@platformatic\/kafka\/2\.12\.1$/ }[client]
    await lastAck(groupId, { commandId: pause.commandId, state: 'paused', client: expect.stringMatching(name), clientId: 'adopter' })
    expect((await acksOf(groupId)).at(-1)!.paused.toSorted()).toEqual([`${topic}-0`, `${topic}-1`])
    await sleep(500)
    const quietFromMs = Date.now()
    await sleep(2_000)
    expect(records(quietFromMs)).toEqual([])
    const { members } = (await admin.describeGroups([groupId])).groups[0]!
    expect(members.map(({ memberId }) => memberId)).toEqual([(await acksOf(groupId)).at(-1)!.memberId])

    const back = await tell({ groupId }, null)
    await reads(back.atMs)
    console.log(
      `${client}, ${flavour}: the last record came ${Math.max(0, (lastBefore(records(), quietFromMs) ?? 0) - pause.atMs)} ms after the pause, the first ${records(back.atMs)[0]!.atMs - back.atMs} ms after the end of it`
    )
    await lastAck(groupId, { commandId: null, state: 'running', paused: [] })
    expect(await stop(), errors()).toBe(0)
    await lastAck(groupId, { state: 'left' })
    expect(warned()).toEqual(whole ? ['a command is not obeyed: this client can only pause everything that it reads'] : [])
  })
})

function lastBefore(records: readonly Line[], atMs: number): number | undefined {
  return records.findLast(each => each.atMs < atMs)?.atMs
}

test.for(flavours)('the types of the tarball fit an adopter with strict types, %s', async flavour => {
  const project = join(folder, 'kafkajs')
  const types = adopterTypes(flavour, existsSync(confluentFolder))
  await writeFile(join(project, types.file), types.text)
  for (const [name, target] of [
    ['@platformatic/kafka', join(folder, 'platformatic/node_modules/@platformatic/kafka')],
    ['@confluentinc/kafka-javascript', confluentFolder],
    ['@types/node', join(checkout, 'node_modules/@types/node')]
  ] as const) {
    const linked = join(project, 'node_modules', name)
    await mkdir(dirname(linked), { recursive: true })
    if (existsSync(target) && !existsSync(linked)) await symlink(target, linked)
  }
  const options = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'esnext',
    '--types',
    'node',
    '--skipLibCheck'
  ]
  await output([join(checkout, 'node_modules/.bin/tsc'), ...options, types.file], { cwd: project })
})
