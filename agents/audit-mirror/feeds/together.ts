import { setTimeout as sleep } from 'node:timers/promises'
import type { Source, Surroundings } from '#shared/engine/stream.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'
import { sourceReadings } from '../measures.ts'
import type { Feed, MirrorInput } from './feed.ts'

const againMs = 1_000
/** So many make a step: a long one would hold up what came after it, and the transaction that takes it over would be as long. */
const enough = 250

interface Looked {
  readonly feed: Feed
  readonly inputs: readonly MirrorInput[]
}

/**
 * All feeds as one source: each in its own order, whoever brings something first. One that cannot be read is told of and tried again, and the
 * others go on. Each is looked at ahead by one look, so that reading goes on while what came before is being written.
 */
export function together(feeds: readonly Feed[], { log, meter }: Pick<Surroundings, 'log' | 'meter'>): Source<MirrorInput> {
  const openedAtMs = Date.now()
  const answeredAtMs = new Map<Feed, number>()
  const looks = new Map<Feed, Promise<Looked>>()
  /** Came and was not taken yet, a list for what must be taken in one step; nobody is looked at before all of it is. */
  let waiting: (readonly MirrorInput[])[] = []
  const closing = new AbortController()

  /** Rejects where asking again would leave something out, or never help. */
  async function look(feed: Feed, maxWaitMs: number): Promise<Looked> {
    try {
      const inputs = await feed.next(maxWaitMs)
      answeredAtMs.set(feed, Date.now())
      return { feed, inputs }
    } catch (error) {
      if (closing.signal.aborted) return { feed, inputs: [] }
      if (!mayPass(error)) throw error
      log.warn({ source: feed.ids }, `a source of the audit log cannot be read, and is tried again: ${(error as Error).message}`)
      await sleep(againMs, undefined, { signal: closing.signal }).catch(() => {})
      return { feed, inputs: [] }
    }
  }

  function lookAgain(maxWaitMs: number): void {
    for (const feed of feeds) if (!looks.has(feed)) looks.set(feed, begun(look(feed, maxWaitMs)))
  }

  /** Waits for the first feed that has been looked at; whatever else has come by then is taken along. */
  async function come(maxWaitMs: number): Promise<(readonly MirrorInput[])[]> {
    lookAgain(maxWaitMs)
    const done = [await Promise.race(looks.values())]
    const nothing = Promise.resolve(null)
    for (const each of looks.values()) {
      const also = await Promise.race([each, nothing])
      if (also !== null && also.feed !== done[0]!.feed) done.push(also)
    }
    for (const { feed } of done) looks.delete(feed)
    return done.flatMap(({ inputs }) => partsOf(inputs))
  }

  const unwatch = meter?.gauges(() =>
    feeds.flatMap(feed => feed.ids.flatMap(id => sourceReadings(id, answeredAtMs.get(feed) ?? openedAtMs, feed.unread?.get(id) ?? null)))
  )
  return {
    ids: feeds.flatMap(({ ids }) => ids),
    async next(maxWaitMs) {
      if (waiting.length === 0) waiting = await come(maxWaitMs)
      const taken: (readonly MirrorInput[])[] = []
      for (let count = 0; waiting.length > 0 && count < enough; count += taken.at(-1)!.length) taken.push(waiting.shift()!)
      if (waiting.length === 0) lookAgain(maxWaitMs)
      // Not pushed as arguments of one call: the differences to a snapshot may be more than a call takes.
      return taken.flat()
    },
    async close() {
      unwatch?.()
      closing.abort()
      await Promise.allSettled(looks.values())
      await Promise.all(feeds.map(feed => feed.close()))
    }
  }
}

/** What says of each input where its source stands behind it may be parted. All else is whole: half of it would be taken again, or never, after a crash. */
function partsOf(inputs: readonly MirrorInput[]): (readonly MirrorInput[])[] {
  if (!inputs.every(({ kind }) => kind === 'brought')) return [inputs]
  return Array.from({ length: Math.ceil(inputs.length / enough) }, (_, part) => inputs.slice(part * enough, (part + 1) * enough))
}

/** Whoever waits for it is told of a failure; nobody may wait yet. */
function begun<T>(look: Promise<T>): Promise<T> {
  look.catch(() => undefined)
  return look
}

/** A broker or a file that is away. A fault of another kind came after something was taken, which the next call would not bring again. */
function mayPass(error: unknown): boolean {
  // The reader stays with the topic that it knew: whoever opens it anew reads the one that is there.
  if (error instanceof KafkaFault) return error.apiError !== 'INCONSISTENT_TOPIC_ID'
  return error instanceof Error && 'syscall' in error
}
