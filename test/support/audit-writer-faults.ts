import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { directoryAnchor } from '#shared/anchors/directory.ts'
import { auditTopicSettings } from '#shared/audit-log/topic.ts'
import { keyNameOf } from '#shared/audit-log/place.ts'
import { openCheckpoint } from '#shared/proof/checkpoint.ts'
import { leafHash } from '#shared/proof/hash.ts'
import { formatSigner, parseSigner, parseVerifier } from '#shared/proof/note-key.ts'
import { openTree } from '#shared/proof/tree.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { AuditLogWorld } from './audit-log-world.ts'
import { type AuditTopicWorld, auditTopicWorld } from './audit-topic-world.ts'
import { type AuditWriterLine, type AuditWriterOptions, type DeathSentence, type Step, steps } from './audit-writer-process.ts'
import { randomFrom } from './seeded.ts'
import { superUser, unique } from './stack.ts'

/** kill: at a step. zombie: stopped (SIGSTOP), a successor at work, woken. stall: stopped for longer than its transaction may last, nobody after it, woken. */
export type AuditFault = { readonly kind: 'kill'; readonly step: Step; readonly count: number } | { readonly kind: 'zombie' | 'stall' }

export interface AuditFaultReport {
  readonly kills: number
  readonly killsByStep: Readonly<Record<string, number>>
  readonly zombies: number
  readonly stalls: number
  readonly logs: number
  readonly entries: number
  readonly checkpoints: number
}

/** Every step once, and then the others of a plan by chance. */
export function auditFaultPlan(seed: number, kills: number, others: { readonly zombies: number; readonly stalls: number }): AuditFault[] {
  const random = randomFrom(seed)
  const comeOnce: readonly Step[] = ['fence', 'fenced', 'head', 'head-found']
  const kill = (step: Step): AuditFault => ({
    kind: 'kill',
    step,
    count: step === 'timer' ? Math.floor(random() * 300) : comeOnce.includes(step) ? 1 : 1 + Math.floor(random() * 4)
  })
  const plan = Array.from({ length: kills }, (_, index) => kill(steps[index < steps.length ? index : Math.floor(random() * steps.length)]!))
  const scatter = (fault: AuditFault, times: number): void => {
    for (let count = 0; count < times; count++) plan.splice(Math.floor(random() * (plan.length + 1)), 0, fault)
  }
  scatter({ kind: 'zombie' }, others.zombies)
  scatter({ kind: 'stall' }, others.stalls)
  return plan
}

const patienceMs = 60_000
const shortTransactionMs = 3_000

/** Lets writers of audit logs die by a plan, log after log. Throws when an event was lost, written twice, altered or out of order, or a checkpoint does not hold. */
export async function runAuditFaults(options: {
  readonly plan: readonly AuditFault[]
  readonly seed: number
  readonly eventsPerLog: number
  /** Of each topic; default: one. */
  readonly chains?: number
  readonly log: (line: string) => void
}): Promise<AuditFaultReport> {
  const { plan, seed, eventsPerLog, chains = 1, log } = options
  const random = randomFrom(seed)
  const kafka = await openKafka(superUser('audit-faults'))
  const folder = mkdtempSync(join(tmpdir(), 'audit-faults-'))
  const keyFile = join(folder, 'key')
  const keyName = keyNameOf({ prefix: 'reeve.audit', clusterId: 'a-cluster' })
  const keyText = formatSigner(keyName, generateKeyPairSync('ed25519').privateKey)
  writeFileSync(keyFile, keyText, { mode: 0o600 })
  const signer = parseSigner(keyText)
  const started = new Set<Child>()
  const killsByStep: Record<string, number> = {}
  const totals = { zombies: 0, stalls: 0, logs: 0, entries: 0, checkpoints: 0 }
  const topics: string[] = []
  let due = [...plan]

  async function oneLog(): Promise<void> {
    const { brokers } = await kafka.admin.features()
    const topic = unique('audit-faults')
    topics.push(topic)
    await kafka.admin.createTopics([auditTopicSettings(topic, chains, brokers)])
    const topicWorld = auditTopicWorld(kafka, topic, chains, signer)
    const world = topicWorld.worlds[0]!
    const writer: AuditWriterOptions = {
      brokers: superUser().brokers,
      place: world.place,
      chains,
      keyFile,
      anchorFolder: folder,
      events: eventsPerLog,
      transactionTimeoutMs: shortTransactionMs
    }
    const start = (): Child => {
      const child = new Child(writer)
      started.add(child)
      return child
    }
    let next = start()
    const go = (sentence: Omit<DeathSentence, 'seed'>): Child => {
      const child = next
      child.sentence({ ...sentence, seed: Math.floor(random() * 2 ** 31) })
      // The one after it loads in the meantime.
      next = start()
      return child
    }
    let done = false
    let fromTheBeginning = true
    while (!done) {
      const fault = due[0]
      if (fault?.kind === 'kill') {
        const { step, count } = fault
        const { code, errors } = await go({ step, count }).end()
        if (code === null) {
          killsByStep[step] = (killsByStep[step] ?? 0) + 1
          due = due.slice(1)
          const killed = sum(killsByStep)
          if (killed % 20 === 0) log(`${killed} kills of ${plan.filter(({ kind }) => kind === 'kill').length}, ${totals.logs} logs verified`)
        } else if (code !== 0) throw new Error(`a writer ended with ${code}: ${errors}`)
        else {
          // Its list was over before it came to that step so often; at the beginning of the next log it comes there, or never.
          if (fromTheBeginning) throw new Error(`no writer came to step ${step} ${count} times`)
          done = true
        }
        fromTheBeginning = false
        continue
      }
      const child = go({ step: null, count: 0 })
      if (!fault) {
        const { code, errors } = await child.end()
        if (code !== 0) throw new Error(`a writer that nobody killed ended with ${code}: ${errors}`)
        done = true
        continue
      }
      // The list may be over before it is stopped: the fault waits for the next log then.
      if (!(await child.heard('committed'))) {
        done = true
        continue
      }
      await sleep(random() * 30)
      child.signal('SIGSTOP')
      if (fault.kind === 'stall') {
        await sleep(shortTransactionMs + 1_500)
        child.signal('SIGCONT')
        const { code, errors } = await child.end()
        if (code !== 0) throw new Error(`a writer that was stopped for a while ended with ${code}: ${errors}`)
        totals.stalls++
        due = due.slice(1)
        done = true
        continue
      }
      const successor = go({ step: null, count: 0 })
      const worked = await successor.heard('opened')
      child.signal('SIGCONT')
      const [zombie, last] = await Promise.all([child.end(), successor.end()])
      if (!worked || last.code !== 0) throw new Error(`the successor of a stopped writer ended with ${last.code}: ${last.errors}`)
      if (zombie.code === 3) {
        totals.zombies++
        due = due.slice(1)
      } else if (zombie.code !== 0 || !child.lines.some(({ event }) => event === 'done'))
        throw new Error(`a writer that was taken over ended with ${zombie.code}: ${zombie.errors}`)
      done = true
    }
    next.signal('SIGKILL')
    await next.end()
    await (chains === 1 ? verify(world) : verifyAll(topicWorld))
    totals.logs++
  }

  async function verify(world: AuditLogWorld): Promise<void> {
    const verified = await world.verify(signer.vkey)
    if ('reason' in verified) throw new Error(`entry ${verified.sequence} of ${world.origin}: ${verified.reason}`)
    if (verified.checkpointed !== verified.size) throw new Error(`${verified.size} entries, the newest checkpoint covers ${verified.checkpointed}`)
    const numbers = await world.numbers()
    const wrong = numbers.findIndex((number, index) => number !== index)
    if (wrong >= 0 || numbers.length !== eventsPerLog) throw new Error(`${numbers.length} of ${eventsPerLog} events; event ${wrong} is ${numbers[wrong]}`)
    totals.entries += verified.size
    totals.checkpoints += await anchored(world)
  }

  async function verifyAll(topic: AuditTopicWorld): Promise<void> {
    for (const [partition, { size, checkpointed }] of (await topic.requireAll(eventsPerLog)).entries()) {
      if (checkpointed !== size) throw new Error(`${size} entries in ${partition}, the newest checkpoint covers ${checkpointed}`)
      totals.entries += size
      totals.checkpoints += await anchored(topic.worlds[partition]!)
    }
  }

  /** Every checkpoint that left the cluster is of this log's tree. */
  async function anchored(world: AuditLogWorld): Promise<number> {
    const { held } = directoryAnchor({ name: 'directory', outside: true, path: folder })
    const kept = await held!.list(world.origin)
    const bySize = new Map(
      await Promise.all(kept.map(async one => [one.size, openCheckpoint(await held!.read(one), world.origin, [parseVerifier(signer.vkey)])] as const))
    )
    const tree = openTree()
    let matched = 0
    for (const { key, value } of await world.records()) {
      if (key?.toString() !== 'event') continue
      tree.append(leafHash(value!))
      const checkpoint = bySize.get(tree.size)
      if (!checkpoint) continue
      if (checkpoint.root !== tree.root()) throw new Error(`an anchor holds another root at ${tree.size}`)
      matched++
    }
    if (matched !== bySize.size || !bySize.has(tree.size))
      throw new Error(`an anchor holds ${bySize.size} checkpoints, ${matched} are of this log of ${tree.size} entries`)
    return matched
  }

  try {
    do await oneLog()
    while (due.length > 0)
    return { kills: sum(killsByStep), killsByStep, ...totals }
  } finally {
    for (const child of started) child.signal('SIGKILL')
    const { topics: found } = await kafka.admin.scan({ atMs: 0 })
    for (const name of topics) if (found.has(name)) await kafka.admin.deleteTopicById(found.get(name)!.topicId)
    await kafka.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((total, count) => total + count, 0)

/** One writer process, seen from outside. */
class Child {
  readonly lines: AuditWriterLine[] = []
  readonly #process
  readonly #ended: Promise<{ code: number | null; errors: string }>
  readonly #listeners = new Set<() => void>()
  #over = false

  constructor(options: AuditWriterOptions) {
    const entry = new URL('audit-writer-process.ts', import.meta.url).pathname
    const env = { ...process.env, NODE_COMPILE_CACHE: join(options.anchorFolder, 'compile-cache') }
    this.#process = spawn(process.execPath, ['--no-warnings', entry, JSON.stringify(options)], { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let errors = ''
    this.#process.stderr.on('data', chunk => (errors += String(chunk)))
    this.#process.stdin.on('error', () => undefined)
    createInterface({ input: this.#process.stdout }).on('line', text => {
      const line = JSON.parse(text) as AuditWriterLine
      this.lines.push(line)
      if (line.event === 'dead') errors += line.message
      for (const listener of this.#listeners) listener()
    })
    this.#ended = once(this.#process, 'close').then(([code]) => {
      this.#over = true
      for (const listener of this.#listeners) listener()
      return { code: code as number | null, errors }
    })
  }

  sentence(sentence: DeathSentence): void {
    this.#process.stdin.write(`${JSON.stringify(sentence)}\n`)
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal)
  }

  end(): Promise<{ code: number | null; errors: string }> {
    return this.#bounded(this.#ended, 'end')
  }

  /** True at the first such line; false when the process ends without one. */
  heard(event: AuditWriterLine['event']): Promise<boolean> {
    const heard = new Promise<boolean>(resolve => {
      const look = (): void => {
        const found = this.lines.some(line => line.event === event)
        if (!found && !this.#over) return
        this.#listeners.delete(look)
        resolve(found)
      }
      this.#listeners.add(look)
      look()
    })
    return this.#bounded(heard, `say ${event}`)
  }

  async #bounded<T>(work: Promise<T>, what: string): Promise<T> {
    const cancel = new AbortController()
    const late = sleep(patienceMs, undefined, { signal: cancel.signal }).then(
      () => Promise.reject(new Error(`the writer ${this.#process.pid} did not ${what} within ${patienceMs} ms`)),
      () => new Promise<never>(() => undefined)
    )
    try {
      return await Promise.race([work, late])
    } finally {
      cancel.abort()
    }
  }
}
