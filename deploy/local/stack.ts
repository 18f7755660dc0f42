import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Stack } from '#test/support/stack.ts'
import { bringContainers, whyNotContainers } from './containers.ts'
import { checkKafkaVersion, whyNotLocal } from './libraries.ts'
import { addresses, type ClusterPlan, type ExtraListener, extraAddresses, portCount, portsFrom } from './node-properties.ts'
import { freePortBlock } from './ports.ts'
import { bringProcesses } from './processes.ts'
import { brokerReady, clusterReady, listenerReady, redisReady } from './readiness.ts'
import { cleanUpCrashedRuns, Run } from './runs.ts'
import type { Service } from './service.ts'

export interface StackOptions {
  /** Brokers, each a controller too: 3 by default, 0 for Redis alone. */
  readonly nodes?: number
  readonly heapMb?: number
  /** Broker properties that differ from the stack's own. */
  readonly properties?: Readonly<Record<string, string>>
  /** Feature levels at format time, for example `{'share.version': 1}`. */
  readonly features?: Readonly<Record<string, number>>
  /** Listeners beyond the stack's own. They are not awaited: who asks for one has its credentials. */
  readonly listeners?: Readonly<Record<string, ExtraListener>>
  /** Arguments of the brokers' Java, for example `['-Dname=value']`. */
  readonly jvm?: readonly string[]
  /** Arguments of redis-server that come after the stack's own, for example `['--maxmemory-policy', 'allkeys-lru']`. */
  readonly redis?: readonly string[]
  /** Default: KAFKA_VERSION of the environment, else the version that Reeve is built against. */
  readonly kafkaVersion?: string
  /** Containers in place of processes; by default only where Java or Maven is missing. */
  readonly docker?: boolean
  readonly log?: (line: string) => void
}

/** What a way to run the stack must bring. */
export interface Brought {
  /** node-1 … node-n and redis. */
  readonly services: readonly Service[]
  readonly java: readonly string[]
  readonly kafkaLibs: string
  readonly caFile: string
  start(): Promise<void>
  /** Ends all at once, for the end of the owner, when nothing can be awaited any more. */
  killNow(): void
  close(): Promise<void>
}

export interface BringRequest extends Required<Pick<StackOptions, 'heapMb' | 'features' | 'redis' | 'jvm'>> {
  readonly run: Run
  readonly kafkaVersion: string
  readonly clusterId: string
  /** All but what only the way to run it knows. */
  readonly plan: Omit<ClusterPlan, 'keystore' | 'bind'>
  readonly log: (line: string) => void
}

/** Users of the stack: a super user, the agents' own, consumers' and one without any right. */
const USERS = ['admin', 'reeve-engine', 'reeve-consumer-guardian', 'reeve-audit-mirror', 'reeve-metadata', 'reeve-operator', 'app', 'nobody']
const KAFKA_VERSION = '4.1.1'
const READY_BOUND_MS = 180_000
const ATTEMPTS = 3

/** A Kafka cluster and a Redis of this process's own. `stop` ends them; if this process is killed, the next start of any stack does. */
export class LocalStack {
  readonly description: Stack
  /** The description as JSON, what REEVE_TEST_STACK names. */
  readonly file: string
  readonly #run: Run
  readonly #brought: Brought
  readonly #kill: () => void

  constructor(run: Run, brought: Brought, description: Stack, file: string, kill: () => void) {
    this.#run = run
    this.#brought = brought
    this.#kill = kill
    this.description = description
    this.file = file
  }

  /** `node-1` … or `redis`. SIGTERM is a controlled shutdown, SIGKILL a crash. */
  async stopNode(name: string, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    await this.#service(name).stop(signal)
  }

  /** Starts a stopped one with its data and ports; resolves when it answers. Its pid is a new one. */
  async startNode(name: string): Promise<void> {
    await this.#service(name).start()
    await ready(this.description, name)
  }

  /** Stops the processor for it (SIGSTOP): connections stay, nothing answers. */
  async pauseNode(name: string): Promise<void> {
    await this.#service(name).pause()
  }

  async resumeNode(name: string): Promise<void> {
    await this.#service(name).resume()
  }

  /** The process behind a name; undefined while it is stopped and for containers. */
  pidOf(name: string): number | undefined {
    return this.#service(name).pid
  }

  /** Writes down a process that its owner started beside the stack: after a crash of the owner the next start of any stack ends it too. */
  adopt(pid: number): void {
    this.#run.addChild(pid)
  }

  async stop(): Promise<void> {
    await this.#brought.close()
    process.off('exit', this.#kill)
    await this.#run.remove()
  }

  #service(name: string): Service {
    const service = this.#brought.services.find(candidate => candidate.name === name)
    if (!service)
      throw new Error(`the stack has no ${JSON.stringify(name)}: expected one of ${this.#brought.services.map(({ name: known }) => known).join(', ')}`)
    return service
  }
}

/** Cleans up what crashed runs left, then brings a stack and resolves when all of it answers. Throws with the end of the log of what failed. */
export async function startStack(options: StackOptions = {}): Promise<LocalStack> {
  const log = options.log ?? (() => {})
  for (const sentence of await cleanUpCrashedRuns()) log(sentence)
  const kafkaVersion = checkKafkaVersion(options.kafkaVersion ?? process.env['KAFKA_VERSION'] ?? KAFKA_VERSION)
  const bring = (await useContainers(options, kafkaVersion)) ? bringContainers : bringProcesses
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptStack(options, kafkaVersion, bring, log)
    } catch (error) {
      if (attempt === ATTEMPTS || !/address already in use|port is already allocated/i.test(String(error))) throw error
      log('a port was taken by another process in the meantime: trying others')
    }
  }
}

async function useContainers({ docker }: StackOptions, kafkaVersion: string): Promise<boolean> {
  const notLocal = docker ? '--docker was given' : await whyNotLocal(kafkaVersion)
  if (notLocal === undefined) return false
  const notContainers = await whyNotContainers()
  if (notContainers === undefined) return true
  if (docker) throw new Error(`--docker: ${notContainers}`)
  throw new Error(`no cluster can be brought here: ${notLocal}, and ${notContainers}. Install Java 17 or later and Maven, or Docker with Compose`)
}

async function attemptStack(
  options: StackOptions,
  kafkaVersion: string,
  bring: (request: BringRequest) => Promise<Brought>,
  log: (line: string) => void
): Promise<LocalStack> {
  const { nodes = 3, heapMb = 512, features = {}, redis = [], properties = {}, listeners = {}, jvm = [] } = options
  const run = new Run()
  const extra = Object.keys(listeners)
  const ports = portsFrom(await freePortBlock(portCount(nodes, extra.length)), nodes, extra)
  const principals = Object.fromEntries(USERS.map(name => [name, randomBytes(12).toString('hex')]))
  let brought: Brought | undefined
  const killNow = () => brought?.killNow()
  process.on('exit', killNow)
  try {
    const plan = { ports, principals, listeners, extra: properties }
    brought = await bring({ run, kafkaVersion, clusterId: randomClusterId(), plan, heapMb, features, redis, jvm, log })
    await brought.start()
    const description = { kafkaVersion, ...describe(plan, brought, run) }
    const file = join(run.folder, 'stack.json')
    await writeFile(file, JSON.stringify(description, undefined, 2), { mode: 0o600 })
    await Promise.race([ready(description), ...brought.services.map(service => service.died().then(words => Promise.reject(new Error(words))))])
    return new LocalStack(run, brought, description, file, killNow)
  } catch (error) {
    await brought?.close()
    process.off('exit', killNow)
    await run.remove()
    throw new Error(`the stack did not start (logs: .local/logs/${run.id}): ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

function describe(
  { ports, principals, listeners = {} }: BringRequest['plan'],
  { services, java, kafkaLibs, caFile }: Brought,
  run: Run
): Omit<Stack, 'kafkaVersion'> {
  return {
    brokers: addresses(ports, 'plain'),
    saslBrokers: addresses(ports, 'sasl'),
    tlsBrokers: addresses(ports, 'tls'),
    controllers: addresses(ports, 'controller'),
    saslControllers: addresses(ports, 'controllerSasl'),
    extraBrokers: Object.fromEntries(Object.keys(listeners).map(name => [name, extraAddresses(ports, name)])),
    caFile,
    logs: run.logs,
    redisUrl: `redis://127.0.0.1:${ports.redis}`,
    java,
    kafkaLibs,
    principals,
    nodes: services.flatMap(({ name, pid }) => (pid === undefined ? [] : [{ name, pid }]))
  }
}

/** Awaits one part of the stack by its name, or all of it on all its listeners. */
async function ready(stack: Stack, name?: string): Promise<void> {
  const clientId = 'local-stack'
  const redisPort = Number(new URL(stack.redisUrl).port)
  if (name === 'redis') return redisReady(redisPort, READY_BOUND_MS)
  const plain = stack.brokers.map(broker => ({ brokers: [broker], clientId }))
  if (name !== undefined) {
    const id = Number(name.slice('node-'.length))
    return brokerReady(plain[id - 1]!, id, READY_BOUND_MS)
  }
  await redisReady(redisPort, READY_BOUND_MS)
  await clusterReady(plain, stack.brokers.length, READY_BOUND_MS)
  const sasl = { mechanism: 'SCRAM-SHA-512', username: 'admin', password: stack.principals['admin'] ?? '' } as const
  const secured = [
    ...stack.saslBrokers.map(broker => ({ brokers: [broker], clientId, sasl })),
    ...stack.tlsBrokers.map(broker => ({ brokers: [broker], clientId, tls: { caFile: stack.caFile, servername: 'localhost' } }))
  ]
  await Promise.all(secured.map(connection => listenerReady(connection, READY_BOUND_MS)))
}

/** 16 random bytes as Kafka writes a Uuid: base64url without a leading dash, which its tools would take for an option. */
function randomClusterId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? randomClusterId() : id
}
