import type { PersonRequest } from '../engine/agent.ts'
import type { Answer } from '../engine/ask.ts'
import { newRequest } from '../engine/requests.ts'
import { printable } from '../render/table.ts'
import { type ProvenBy, seal } from '../engine/seal.ts'

/** One cluster, as far as people speak to it through this process. */
export interface Hearing {
  /** For people. */
  readonly name: string
  /** See scopeOf: tells it from every other. */
  readonly scope: string
  /** Writes a request and waits for what comes of it, at most so long. */
  ask(request: PersonRequest, waitMs: number): Promise<Answer>
}

/** What a route says for a person whom it has recognised. */
export interface Words {
  readonly kind: PersonRequest['kind']
  readonly subject: string
  readonly who: string
  readonly why: string
  readonly by: ProvenBy
  readonly forMs?: number | undefined
  /** Of a link: the nonce as its id, and until when the link is good. */
  readonly once?: { readonly id: string; readonly untilMs: number }
}

export type Said = { readonly status: 200 | 202 | 409 | 503; readonly id: string | null; readonly what: string; readonly entries: readonly string[] }

const waitMs = 8_000
const mostAtOnce = 4
/** A record in the requests topic counts for so long: a leader may be away, and a copy must not count for ever. */
const countsForMs = 86_400_000

/** Says it to a cluster, sealed; few at once, so that nobody keeps the process busy. Throws what Kafka throws. */
export function openAsker(keys: () => readonly string[], nowMs: () => number = Date.now) {
  let underWay = 0
  return async ({ scope, ask }: Hearing, { kind, subject, who, why, by, forMs, once }: Words): Promise<Said> => {
    const [key] = keys()
    if (key === undefined) return { status: 503, id: null, what: 'http.keys holds no key to seal requests with', entries: [] }
    if (underWay >= mostAtOnce) return { status: 503, id: null, what: 'too many requests are under way; try again', entries: [] }
    underWay++
    try {
      const atMs = nowMs()
      const fresh = newRequest(kind, subject, printable(who), printable(why), atMs, forMs)
      const onceUntilMs = Math.max(once?.untilMs ?? 0, atMs + countsForMs)
      const { entries, refused, request } = await ask(seal({ ...fresh, id: once?.id ?? fresh.id, onceUntilMs }, by, scope, key), waitMs)
      const lines = entries.map(({ what }) => what)
      if (refused !== null) return { status: 409, id: request.id, what: `Refused: ${refused}.`, entries: lines }
      if (entries.length === 0) return { status: 202, id: request.id, what: 'Written down; it counts as soon as a replica leads.', entries: [] }
      return { status: 200, id: request.id, what: 'Taken.', entries: lines }
    } finally {
      underWay--
    }
  }
}

export type Asker = ReturnType<typeof openAsker>
