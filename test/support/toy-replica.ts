import { createInterface } from 'node:readline'
import { TrustedClock } from '#shared/engine/clock.ts'
import { Replica } from '#shared/engine/replica.ts'
import { reeveTopics, topicSettings } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { openQueue } from '#shared/queue/queue.ts'
import { notifierOf, openApprovals, openLimits, quickTimes } from './replica.ts'
import { toyAgent, type Wishes } from './toy-agent.ts'

/**
 * A whole replica with the toy agent in a process of its own, for tests that kill, stop and starve it. Standard input: one JSON
 * line {"mark":…} or {"undo":…} a wish, {"go":true} to go on. Standard output: {"role"}, {"at":step} when it stands at the step it was told
 * to stand at, {"error"}.
 */
const { brokers, redisUrl, prefix, holder, standAt, clockOffsetMs } = JSON.parse(process.argv[2]!) as {
  brokers: string[]
  redisUrl: string
  prefix: string
  holder: string
  standAt: string | null
  clockOffsetMs: number
}
const wishes: Wishes = { mark: new Set(), undo: new Set(), tell: new Set() }
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
let goOn = Promise.withResolvers<void>()
let standing = standAt
createInterface({ input: process.stdin }).on('line', line => {
  const { mark, undo, go } = JSON.parse(line) as { mark?: string; undo?: string; go?: true }
  if (mark) wishes.mark.add(mark)
  if (undo) wishes.undo.add(undo)
  if (undo) wishes.mark.delete(undo)
  if (go) goOn.resolve()
})

const kafka = await openKafka({ brokers, clientId: holder, requestTimeoutMs: 5_000 })
const features = await kafka.admin.features()
const topics = reeveTopics(prefix)
await kafka.admin.createTopics(topicSettings(topics, features.brokers))
const silent = {
  debug() {},
  info() {},
  warn: (fields: object, message: string) => tell({ warn: message, ...fields }),
  error: (fields: object, message: string) => tell({ error: message, ...fields })
}
let replica: Replica | null = null
const queue = openQueue({ redisUrl, prefix, log: silent, concurrency: 2, graceMs: 500, onTurn: async name => replica?.onTick(name) })
replica = new Replica({
  clusterId: features.clusterId,
  topics,
  kafka,
  agents: [{ agent: toyAgent(wishes), policy: {}, act: true, kafka }],
  ticks: queue,
  notifier: notifierOf(async () => ({ ok: true })),
  clock: new TrustedClock(
    () => Date.now() + clockOffsetMs,
    () => queue.redisTimeMs()
  ),
  settings: { holder, observer: { intervalMs: 500, keyFrameEvery: 5, maintenance: [] }, limits: openLimits, owners: [], times: quickTimes },
  approvals: openApprovals,
  hooks: {
    async step(name) {
      if (name !== standing || wishes.mark.size === 0) return
      standing = null
      tell({ at: name })
      await goOn.promise
      goOn = Promise.withResolvers()
    }
  },
  log: silent,
  onTick: (name, result, tookMs) => tell('error' in result ? { tick: name, error: String(result.error) } : { tick: name, tookMs: Math.round(tookMs) }),
  onRole: (role, epoch) => tell({ role, epoch })
})
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
await replica.run(stop.signal)
await queue.close()
await kafka.close()
process.exit(0)
