import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { localFolder } from '#deploy/local/folders.ts'
import { canonical } from '#shared/audit/canonical.ts'
import { type Entry, readEntry } from '#shared/audit/entry.ts'
import { verifyLog } from '#shared/audit/verify-log.ts'
import { newKey } from '#shared/credentials/signer.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Appender, Kafka, LogRecord } from '#shared/kafka/ports.ts'
import { parseSigner, type Signer } from '#shared/proof/note-key.ts'
import type { MirrorDoom, MirrorStart } from './doomed-mirror.ts'
import { type Parts, type Reeve, ReeveBench, speak, type Spoken } from './reeve-process.ts'
import { until } from './replica.ts'
import { randomFrom } from './seeded.ts'
import { superUser, unique } from './stack.ts'

const doomed = new URL('doomed-mirror.ts', import.meta.url).pathname
/** Nothing listens there: the mirror needs no Redis. */
const noRedis = { TEST_REDIS_URL: 'redis://127.0.0.1:1' }

/** One audit log: whatever processes write it, one after the other. */
export interface MirrorUnderTest {
  readonly auditTopic: string
  /** How many logs the topic holds. */
  readonly chains: number
  readonly memoryTopic: string
  readonly configFile: string
  readonly anchorFolder: string
  /** Runs `reeve audit` with these words on this log. */
  audit(...words: readonly string[]): Promise<Spoken>
  /** What `reeve stream audit-mirror` runs; dies where it is told to. */
  start(how?: MirrorStart): Reeve
  /** `reeve stream audit-mirror` itself. */
  run(): Reeve
  /** Loads one that begins, and dies, when it is told to. */
  prepare(): PreparedMirror
}

export interface PreparedMirror {
  readonly process: Reeve
  go(doom?: MirrorDoom): void
}

/** Events that any mirror of the same inputs must write, and what it said of itself. */
export interface MirrorLog {
  readonly size: number
  readonly entries: readonly Entry[]
  /** Bodies by their id, without what place in the log and moment of reading give them. */
  readonly bodies: ReadonlyMap<string, string>
}

export interface MirrorWorld {
  readonly kafka: Kafka
  /** Of the mirrors' key. */
  readonly signer: Signer
  readonly linesTopic: string
  readonly file: string
  mirror(name: string, policy?: { readonly chains?: number; readonly [knob: string]: unknown }, parts?: Parts): MirrorUnderTest
  /** Writes so many lines and changes, the same for the same seed and number; lines are of the time they are written at. */
  load(steps: number): Promise<void>
  /** So many changes of one topic's settings as fast as the cluster takes them, of which no log says anything: more than one look of a mirror takes. */
  burst(changes: number): Promise<void>
  raw(partition: number, value: Buffer): Promise<void>
  rawFile(text: string | Buffer): void
  rotate(): void
  /** Lines late enough that every window is over, in every source. */
  closing(): Promise<void>
  read(mirror: MirrorUnderTest): Promise<MirrorLog>
  records(topic: string, partition?: number): Promise<LogRecord[]>
  /** Until a mirror has read all that was written and judged it. */
  settled(mirror: MirrorUnderTest, boundMs?: number): Promise<void>
  close(): Promise<void>
}

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0')
/** As the authorizer's log says a moment, in UTC. */
export const moment = (atMs: number): string => new Date(atMs).toISOString().replace('T', ' ').replace('.', ',').slice(0, -1)

export function authorizerLine(atMs: number, verdict: 'Allowed' | 'Denied', user: string, operation: string, resource: string, request: string): string {
  const rule = verdict === 'Allowed' ? 'SuperUser' : 'DefaultDeny'
  return `[${moment(atMs)}] INFO Principal = User:${user} is ${verdict} operation = ${operation} from host = 10.0.0.7 on resource = ${resource} for request = ${request} with resourceRefCount = 1 based on rule ${rule} (kafka.authorizer.logger)`
}

/** Sources, a load and mirrors of them on the running stack. `controllers` are that stack's. */
export async function openMirrorWorld(options: { readonly seed: number; readonly controllers: readonly string[] }): Promise<MirrorWorld> {
  const { seed, controllers } = options
  const random = randomFrom(seed)
  const kafka = await openKafka({ ...superUser('mirror-world'), requestTimeoutMs: 5_000 })
  const { clusterId } = await kafka.admin.features()
  const folder = mkdtempSync(join(tmpdir(), 'audit-mirror-'))
  const file = join(folder, 'node-9-authorizer.log')
  const linesTopic = unique('mirror-lines')
  const key = newKey(`reeve.audit/${clusterId}`)
  const bench = new ReeveBench()
  const topics: string[] = [linesTopic]
  const made: string[] = []
  let forwarder: Appender | null = null
  let number = 0
  let rotations = 0
  let burst = 0
  let newestMs = 0
  await kafka.admin.createTopics([{ name: linesTopic, partitions: 2, replicationFactor: 3, configs: { 'min.insync.replicas': '2' } }])
  writeFileSync(file, '')

  /** The forwarder goes on through elections as forwarders do; it never writes a line twice. */
  async function append(lines: readonly { readonly partition: number; readonly value: Buffer }[]): Promise<void> {
    const given = lines.map(({ partition, value }) => ({ topic: linesTopic, partition, key: null, value }))
    if (forwarder === null) {
      forwarder = await kafka.openAppender(`${linesTopic}-forwarder`)
      await again(() => forwarder!.fence())
    }
    await again(() => forwarder!.append(given))
  }

  const nowMs = (): number => (newestMs = Math.max(newestMs + 1, Date.now()))

  async function change(index: number): Promise<void> {
    const name = `${linesTopic}-changed-${index}`
    made.push(name)
    topics.push(name)
    await again(() => kafka.admin.createTopics([{ name, partitions: 1, replicationFactor: 1 }]))
    await append([{ partition: index % 2, value: Buffer.from(authorizerLine(nowMs(), 'Allowed', 'maker', 'CREATE', `Topic:LITERAL:${name}`, 'CreateTopics')) }])
    await again(() => kafka.admin.alterConfigs({ kind: 'topic', name }, { 'retention.ms': String(60_000 + index) }))
    rawFile(`${authorizerLine(nowMs(), 'Allowed', 'changer', 'ALTER_CONFIGS', `Topic:LITERAL:${name}`, 'IncrementalAlterConfigs')}\n`)
  }

  function rawFile(text: string | Buffer): void {
    appendFileSync(file, text)
  }

  async function oneStep(): Promise<void> {
    const index = number++
    const lines: { partition: number; value: Buffer }[] = []
    for (let count = 1 + Math.floor(random() * 4); count > 0; count--) {
      const verdict = random() < 0.4 ? 'Denied' : 'Allowed'
      const value = authorizerLine(
        nowMs(),
        verdict,
        `app-${Math.floor(random() * 3)}`,
        random() < 0.5 ? 'READ' : 'WRITE',
        `Topic:LITERAL:t-${index % 5}`,
        'Fetch'
      )
      lines.push({ partition: Math.floor(random() * 2), value: Buffer.from(value) })
    }
    if (random() < 0.1) lines.push({ partition: 0, value: Buffer.from(`no line of any layout, ${index}`) })
    await append(lines)
    let text = ''
    for (let count = 1 + Math.floor(random() * 3); count > 0; count--)
      text += `${authorizerLine(nowMs(), random() < 0.4 ? 'Denied' : 'Allowed', `host-${Math.floor(random() * 3)}`, 'READ', `Topic:LITERAL:f-${index % 5}`, 'Fetch')}\n`
    if (random() < 0.1) text += `[${moment(nowMs())}] WARN nothing that anybody knows ${index}\n`
    rawFile(text)
    if (random() < 0.15) await change(index)
  }

  async function records(topic: string, partition = 0): Promise<LogRecord[]> {
    const reader = await kafka.openReader()
    try {
      const found: LogRecord[] = []
      await reader.assign(topic, partition, 'start')
      await reader.readToEnd(record => void found.push(record))
      return found
    } finally {
      await reader.close()
    }
  }

  async function read({ auditTopic, chains }: MirrorUnderTest): Promise<MirrorLog> {
    const entries: Entry[] = []
    for (let partition = 0; partition < chains; partition++) {
      const found = (await records(auditTopic, partition)).map(({ key: kind, value }) => ({ kind: kind!.toString(), value: value! }))
      const verified = verifyLog(found, { origin: `reeve.audit/${clusterId}/${auditTopic}/${partition}`, vkey: key.vkey })
      if ('reason' in verified)
        throw new Error(`entry ${verified.sequence} of ${auditTopic}/${partition}: ${verified.reason}${alike(found, verified.sequence)}`)
      for (const { kind, value } of found) if (kind === 'event') entries.push(readEntry(value) as Entry)
    }
    const mirrored = entries.filter(isMirrored)
    const bodies = new Map(mirrored.map(entry => [entry.eventId, canonical(bodyOf(entry)).replaceAll(auditTopic, 'audit')] as const))
    // One log never has an id twice; two of them must not share one either.
    if (bodies.size !== mirrored.length) throw new Error(`entry of ${auditTopic}: ${mirrored.length - bodies.size} events are there twice`)
    return { size: entries.length, entries, bodies }
  }

  return {
    kafka,
    signer: parseSigner(key.skey),
    linesTopic,
    file,
    mirror(name, policy = {}, parts = {}) {
      const auditTopic = unique(`audit-${name}`)
      const prefix = unique(`reeve-${name}`)
      const memoryTopic = `${prefix}.audit-mirror`
      const anchorFolder = join(folder, prefix)
      mkdirSync(anchorFolder)
      topics.push(auditTopic, memoryTopic)
      const agent = {
        policy: {
          topic: auditTopic,
          keys: ['${AUDIT_KEY}'],
          hashKey: '${AUDIT_HASH_KEY}',
          metadata: { controllers: [...controllers] },
          logs: [
            { id: 'authorizer', content: 'authorizer', topic: linesTopic },
            { id: 'node-9', content: 'authorizer', file, host: 'node-9' }
          ],
          journal: false,
          window: '1s',
          skew: '200ms',
          lateness: '200ms',
          giveUp: '10m',
          checkpointEvery: '1s',
          anchors: [{ directory: { path: anchorFolder } }],
          ...policy
        }
      }
      const configFile = bench.write({
        version: 1,
        cluster: { brokers: [...superUser().brokers] },
        redis: { url: '${TEST_REDIS_URL}' },
        topics: { prefix },
        notify: { platformChannel: 'platform', channels: { platform: { slackWebhook: '' } } },
        agents: { 'audit-mirror': agent },
        http: { port: 0 },
        ...parts
      })
      const stream = ['stream', 'audit-mirror']
      const start = (how: MirrorStart = {}): Reeve => bench.start(configFile, { env, words: stream, entry: doomed, argument: how })
      const env = {
        ...noRedis,
        NODE_COMPILE_CACHE: join(localFolder, 'compile-cache'),
        AUDIT_KEY: key.skey,
        AUDIT_HASH_KEY: 'a key of the hashes that is long enough'
      }
      return {
        auditTopic,
        chains: policy.chains ?? 1,
        memoryTopic,
        configFile,
        anchorFolder,
        audit: (...words) => speak(['--config', configFile, 'audit', ...words], env),
        start,
        run: () => bench.start(configFile, { env, words: stream }),
        prepare() {
          // Nobody else is alive whom it could take over from.
          const process = start({ waits: true, takeOverAfterMs: 400 })
          return { process, go: doom => void process.child.stdin!.write(`${JSON.stringify(doom ?? {})}\n`) }
        }
      }
    },
    async load(steps) {
      for (let step = 0; step < steps; step++) await oneStep()
    },
    async burst(changes) {
      const name = `${linesTopic}-burst`
      if (!topics.includes(name)) {
        topics.push(name)
        await again(() => kafka.admin.createTopics([{ name, partitions: 1, replicationFactor: 1 }]))
      }
      for (let left = changes; left > 0; left -= 20)
        await Promise.all(
          Array.from({ length: Math.min(20, left) }, () =>
            again(() => kafka.admin.alterConfigs({ kind: 'topic', name }, { 'retention.ms': String(60_000 + burst++) }))
          )
        )
    },
    raw: (partition, value) => append([{ partition, value }]),
    rawFile,
    rotate() {
      renameSync(file, `${file}.${pad(++rotations, 4)}`)
      writeFileSync(file, '')
    },
    async closing() {
      // Beyond the minute that is counted last, and every window.
      for (let count = 0; count < 2; count++) {
        const atMs = Math.max(Date.now(), newestMs) + 130_000 + count * 1_000
        const last = Buffer.from(authorizerLine(atMs, 'Denied', 'last', 'READ', 'Topic:LITERAL:last', 'Fetch'))
        await append([0, 1].map(partition => ({ partition, value: last })))
        rawFile(`${last.toString()}\n`)
      }
    },
    read,
    records,
    async settled(mirror, boundMs = 90_000) {
      let said = 'nothing was read'
      let readMs = 0
      await until(
        `${mirror.auditTopic} is settled`,
        async () => {
          // Reading it all is work, which the mirrors need the machine for.
          await sleep(Math.max(250, 2 * readMs))
          const beganAtMs = performance.now()
          const { entries } = await read(mirror).catch((error: unknown) => {
            if (/^entry \d+/.test((error as Error).message)) throw error
            return { entries: [] as readonly Entry[] }
          })
          readMs = performance.now() - beganAtMs
          const lasts = entries.filter(({ eventType, value }) => eventType === 'access.denied' && JSON.stringify(value.payload).includes('User:last')).length
          const open = openChanges(entries, made)
          said = `${entries.length} entries, ${lasts} of 6 last lines, ${open.length} changes open: ${open.slice(0, 3).join(', ')}`
          return lasts === 6 && open.length === 0
        },
        boundMs
      ).catch((error: unknown) => Promise.reject(new Error(`${(error as Error).message}: ${said}`, { cause: error })))
    },
    async close() {
      await bench.close()
      await forwarder?.close()
      await again(async () => {
        const { topics: found } = await kafka.admin.scan({ atMs: 0, groups: false })
        for (const name of topics) if (found.has(name)) await kafka.admin.deleteTopicById(found.get(name)!.topicId)
      })
      await kafka.close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** The entry at a sequence, and whatever else has its id. */
function alike(records: readonly { readonly value: Buffer }[], sequence: number): string {
  const entries = records.map(({ value }) => value.toString()).filter(text => text.includes('"eventId"'))
  const id = /"eventId":"([^"]+)"/.exec(entries[sequence] ?? '')?.[1]
  return id === undefined
    ? ''
    : entries
        .filter(text => text.includes(id))
        .map(text => `\n  ${text}`)
        .join('')
}

/** What a mirror says of the sources, not of itself; counts of metadata records depend on how many came at a time. */
function isMirrored({ eventType }: Entry): boolean {
  return !eventType.startsWith('audit.') && eventType !== 'metadata.routine'
}

/** Without its place in the log, and without what was asked of the cluster, or known of the others, at the moment of reading. */
function bodyOf({ value: { payload, ...envelope } }: Entry): JsonValue {
  const { attestation_list: _place, unmapped, metadata, ...rest } = payload as unknown as Readonly<Record<string, JsonValue>>
  const { watermarks: _known, consequence: _asked, ...told } = unmapped as Readonly<Record<string, JsonValue>>
  const { sequence: _sequence, ...about } = metadata as Readonly<Record<string, JsonValue>>
  return { ...envelope, payload: { ...rest, metadata: about, unmapped: told } }
}

/** Topics of the load whose creation and setting are not both in the log and judged. */
function openChanges(entries: readonly Entry[], made: readonly string[]): string[] {
  const judged = new Set(
    entries.flatMap(({ eventType, value }) => (eventType === 'change.attributed' || eventType === 'change.unattributed' ? [value['causationId']] : []))
  )
  const done = new Map<string, number>()
  for (const { eventType, value } of entries) {
    if ((eventType !== 'topic.created' && eventType !== 'config.changed') || !judged.has(value['eventId'])) continue
    for (const { name } of (value.payload['resources'] ?? []) as readonly { readonly name?: string }[]) if (name) done.set(name, (done.get(name) ?? 0) + 1)
  }
  return made.filter(name => (done.get(name) ?? 0) < 2)
}

/** Throws where one log says what the other does not, of the sources and of changes to the load's own topics. */
export function requireSameBodies(found: MirrorLog, expected: MirrorLog, own: string): number {
  const ours = ({ bodies }: MirrorLog): Map<string, string> =>
    new Map([...bodies].filter(([, body]) => body.includes(own) || /"(authorizer|request)-log"/.test(body)))
  const [is, should] = [ours(found), ours(expected)]
  const missing = [...should].filter(([id]) => !is.has(id))
  const extra = [...is].filter(([id]) => !should.has(id))
  const other = [...should].filter(([id, body]) => is.has(id) && is.get(id) !== body)
  if (missing.length + extra.length + other.length > 0)
    throw new Error(
      `${missing.length} events are missing, ${extra.length} too many, ${other.length} of ${should.size} others; the first: ${JSON.stringify([missing[0]?.[1], extra[0]?.[1], other[0] && [other[0][1], is.get(other[0][0])]])}`
    )
  return should.size
}

/** A cluster whose brokers go one after the other asks for patience. */
async function again<T>(attempt: () => Promise<T>): Promise<T> {
  let failed: unknown
  for (let left = 60; left > 0; left--) {
    try {
      return await attempt()
    } catch (error) {
      failed = error
      await new Promise(resolve => setTimeout(resolve, 500))
    }
  }
  throw failed
}
