import { type Config, redisTarget } from '../../config/index.ts'
import type { Examiner } from '../../kafka/examine/index.ts'
import { redisClock } from '../../queue/redis-clock.ts'
import { type ClockFacts, see, type Seen } from '../facts.ts'

/** Compares this host's clock with the controller's, Redis's, and what brokers last stamped. */
export async function gatherClocks(config: Config, examiner: Examiner, stampedTopics: readonly string[], opened: Seen<unknown>): Promise<ClockFacts> {
  // One refusal of a login is enough.
  const ask: typeof see = question => ('why' in opened ? Promise.resolve(opened) : see(question))
  const [controller, stamps, redis] = await Promise.all([
    ask(async () => {
      const { controllerId, controllerMs, askedAtMs, answeredAtMs, voters } = await examiner.quorumClock()
      return { broker: controllerId, voters, ...between(controllerMs, askedAtMs, answeredAtMs) }
    }),
    ask(async () => {
      const newest = await examiner.stampedRecords(stampedTopics, 'newest')
      const atMs = Date.now()
      const byBroker = Map.groupBy(newest, ({ broker }) => broker)
      return new Map([...byBroker].map(([broker, partitions]) => [broker, Math.max(...partitions.map(({ timestampMs }) => timestampMs)) - atMs]))
    }),
    see(async () => {
      const { redisMs, askedAtMs, answeredAtMs } = await redisClock(redisTarget(config))
      return between(redisMs, askedAtMs, answeredAtMs)
    })
  ])
  return { controller, stamps, redis }
}

/** How far another clock is from the middle of question and answer, and how far that may be off. */
function between(otherMs: number, askedAtMs: number, answeredAtMs: number): { offMs: number; withinMs: number } {
  // Each clock shows whole milliseconds, so half the way there and back is known to one only.
  return { offMs: otherMs - (askedAtMs + answeredAtMs) / 2, withinMs: (answeredAtMs - askedAtMs) / 2 + 1 }
}
