import type { PersonRequest } from '#shared/engine/agent.ts'
import type { Answer } from '#shared/engine/ask.ts'
import { openAsker } from '#shared/http/asker.ts'
import type { Route } from '#shared/http/route.ts'
import { type HttpOptions, openHttp } from '#shared/http/server.ts'

/** What closeAll ends, the last one first. */
export const closers: (() => unknown)[] = []
/** For afterEach of every file that opens something here. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}
export const nothing = () => undefined
export const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
export const key = 'a key of at least 32 characters .'
const nowMs = () => Date.now()

/** A cluster that writes down what it hears, and answers as it is told. */
export function listening(outcome: Partial<Answer> = {}) {
  const heard: PersonRequest[] = []
  const entry = { kind: 'request' as const, atMs: 0, epoch: 1, agent: null, subject: '', what: 'somebody asked: <b>something</b>', facts: null }
  const hearing = {
    name: 'eu',
    scope: 'c1/reeve.requests',
    async ask(request: PersonRequest): Promise<Answer> {
      heard.push(request)
      return { request, entries: [entry], refused: null, ...outcome }
    }
  }
  return { heard, hearings: () => [hearing] }
}
export const common = (hearings: ReturnType<typeof listening>['hearings']) => ({ keys: () => [key], hearings, say: openAsker(() => [key]), nowMs })

/** An HTTP port with these routes, until the test ends. */
export async function serve(routes: readonly Route[], tls?: HttpOptions['tls']) {
  const http = await openHttp({ host: '127.0.0.1', port: 0, routes, log, tls })
  closers.push(() => http.close())
  return `http${tls ? 's' : ''}://${http.address}`
}
