import { readFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import type { API } from '@platformatic/kafka'
import { directoryAnchor } from '#shared/anchors/directory.ts'
import { type LogPlace, transactionalIdOf } from '#shared/audit-log/place.ts'
import { openAuditLog } from '#shared/audit-log/writer.ts'
import { openAppender } from '#shared/kafka/appender/index.ts'
import { Cluster, type Target } from '#shared/kafka/cluster.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'
import { openLogReader } from '#shared/kafka/log-reader/index.ts'
import { parseSigner } from '#shared/proof/note-key.ts'
import { batchOf, nextOf } from './audit-log-world.ts'
import { firstLine } from './first-line.ts'
import { lowestOf, numbersOf } from './audit-topic-world.ts'
import { randomFrom } from './seeded.ts'

/**
 * A process that writes a list of events into an audit log, and is killed by a fault test. It loads, waits for one line on its standard input, which
 * is a DeathSentence as JSON, and opens the log. At the step that the sentence names it kills itself (SIGKILL), so that no code runs behind it. Says
 * on its standard output, a line of JSON each: `loaded`, `opened`, `committed`, `done`, `dead`. Ends with 3 when another has taken over.
 */
export interface AuditWriterOptions {
  readonly brokers: readonly string[]
  readonly place: LogPlace
  /** Of the topic: of several each list of numbers has its own. */
  readonly chains: number
  readonly keyFile: string
  readonly anchorFolder: string
  readonly events: number
  readonly transactionTimeoutMs: number
}

/** Each happens once or more in a run; `between` two events is any moment, by a timer. */
export const steps = [
  'fence',
  'fenced',
  'head',
  'head-found',
  'produce',
  'produced',
  'commit',
  'committed',
  'sign',
  'signed',
  'anchor',
  'anchored',
  'timer'
] as const
export type Step = (typeof steps)[number]

export interface DeathSentence {
  readonly seed: number
  readonly step: Step | null
  /** Which occurrence of the step; of `timer` milliseconds after the log was opened. */
  readonly count: number
}

export type AuditWriterLine =
  | { readonly event: 'loaded' | 'done' }
  | { readonly event: 'opened' | 'committed'; readonly size: number }
  | { readonly event: 'dead'; readonly message: string }

if (process.argv[2]?.startsWith('{')) await main(JSON.parse(process.argv[2]) as AuditWriterOptions)

async function main(options: AuditWriterOptions): Promise<void> {
  const { brokers, place, chains, keyFile, anchorFolder, events, transactionTimeoutMs } = options
  const say = (line: AuditWriterLine): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
  // Now, since most of these processes never end in order.
  flushCompileCache()
  say({ event: 'loaded' })
  const sentence = JSON.parse(await firstLine()) as DeathSentence
  const random = randomFrom(sentence.seed)
  let left = sentence.count
  const reach = (step: Step): void => {
    if (step === sentence.step && --left <= 0) process.kill(process.pid, 'SIGKILL')
  }

  const apis: Readonly<Record<number, readonly [Step, Step]>> = { 0: ['produce', 'produced'], 22: ['fence', 'fenced'], 26: ['commit', 'committed'] }
  class DoomedCluster extends Cluster {
    override async request<Arguments extends unknown[], Response>(target: Target, api: API<Arguments, Response>, ...args: Arguments): Promise<Response> {
      const around = apis[api.key]
      if (around) reach(around[0])
      const answer = await super.request(target, api, ...args)
      if (around) reach(around[1])
      return answer
    }
  }
  const connection = { brokers, clientId: `audit-writer-${process.pid}`, requestTimeoutMs: 5_000 }
  const reader = await openLogReader(connection)
  const appender = await openAppender(new DoomedCluster(connection), { transactionalId: transactionalIdOf(place), transactionTimeoutMs, deadlineMs: 15_000 })
  const signer = parseSigner(readFileSync(keyFile, 'utf8'))
  const anchor = directoryAnchor({ name: 'directory', outside: true, path: anchorFolder })
  try {
    const log = await openAuditLog({
      place,
      chains,
      appender,
      reader: {
        assign: (topic, partition, startAt) => reader.assign(topic, partition, startAt),
        positions: () => reader.positions(),
        poll: pollOptions => reader.poll(pollOptions),
        unassign: (topic, partition) => reader.unassign(topic, partition),
        close: () => reader.close(),
        async readToEnd(onRecord) {
          reach('head')
          await reader.readToEnd(onRecord)
          reach('head-found')
        }
      },
      topicId: 'AAAA',
      signers: [
        {
          ...signer,
          async sign(message) {
            reach('sign')
            const signature = await signer.sign(message)
            reach('signed')
            return signature
          }
        }
      ],
      anchors: [
        {
          ...anchor,
          async put(checkpoint) {
            reach('anchor')
            const receipt = await anchor.put(checkpoint)
            reach('anchored')
            return receipt
          }
        }
      ],
      circumstances: () => ({ powers: [], excluded: {}, silent: [] }),
      limits: { transactionEntries: 40, checkpointEntries: 60, lingerMs: 2 },
      onCommitted: ({ size }) => say({ event: 'committed', size })
    })
    say({ event: 'opened', size: log.head.size })
    if (sentence.step === 'timer') setTimeout(() => process.kill(process.pid, 'SIGKILL'), sentence.count)
    for (let next = chains === 1 ? nextOf(log) : lowestOf(log.head.sources); next < events;) {
      const to = Math.min(events, next + 1 + Math.floor(random() * 30))
      await log.offer(chains === 1 ? batchOf(next, to) : numbersOf(next, to, log.head.sources))
      next = to
      if (random() < 0.3) await sleep(Math.floor(random() * 20))
    }
    await log.checkpoint()
    await log.close()
    say({ event: 'done' })
    await reader.close()
    process.exit(0)
  } catch (error) {
    say({ event: 'dead', message: (error as Error).message })
    process.exit(error instanceof KafkaFault && error.kind === 'fenced' ? 3 : 1)
  }
}
