import type { IncomingHttpHeaders } from 'node:http'

/** What came, its body read to the end. */
export interface Request {
  readonly method: 'GET' | 'POST'
  /** Behind the route's own path, without the query. */
  readonly rest: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Names in a client certificate that the server's authority signed: `CN=…`, `DNS:…`, `URI:…`, `email:…`; empty without one. */
  readonly certificateNames: readonly string[]
}

export interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** Work that goes on behind the answer; what it throws is logged. */
  readonly after?: () => Promise<void>
}

/** One path, or every path below it where it ends with a slash. */
export interface Route {
  readonly path: string
  readonly GET?: (request: Request) => Reply | Promise<Reply>
  readonly POST?: (request: Request) => Reply | Promise<Reply>
}

export function json(status: number, value: object, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, type: 'application/json', body: `${JSON.stringify(value)}\n`, headers }
}

export function text(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, type: 'text/plain', body: `${body}\n`, headers }
}
