import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import { fresh } from '../credentials/fresh.ts'
import type { Log } from '../telemetry/log.ts'
import { type Reply, type Route, text } from './route.ts'

export interface HttpOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** HTTPS by these PEM files, read again when they change; `clientCaFile` lets clients show a certificate. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string | undefined } | undefined
  readonly routes: readonly Route[]
  readonly log: Log
}

export interface Http {
  /** `host:port` that it listens on. */
  readonly address: string
  close(): Promise<void>
}

const largestBodyBytes = 65_536
const settings = { maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 }

/**
 * The port of the process: what the routes answer, and nothing else. Small headers and bodies, bounded in time, few connections. Rejects when
 * the port is taken or the certificate cannot be used.
 */
export async function openHttp({ host, port, tls, routes, log }: HttpOptions): Promise<Http> {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error, path: routeOf(routes, request)?.path }, 'an HTTP request could not be answered')
      if (response.headersSent) response.destroy()
      else send(response, text(500, 'this request could not be answered'))
    })
  }
  const server = tls ? secureServer(tls, listener) : createServer(settings, listener)
  server.maxConnections = 64

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = routeOf(routes, request)
    if (!route) return send(response, text(404, `expected ${routes.map(({ path }) => path).join(', ')}`))
    const method = request.method === 'GET' || request.method === 'POST' ? request.method : null
    const serve = method === null ? undefined : route[method]
    if (method === null || !serve) {
      const allow = (['GET', 'POST'] as const).filter(name => route[name]).join(', ')
      return send(response, text(405, `expected ${allow}`, { allow }))
    }
    const body = await read(request)
    if (body === null) return send(response, text(413, `expected at most ${largestBodyBytes} bytes`, { connection: 'close' }))
    const { headers, socket } = request
    const reply = await serve({ method, rest: pathOf(request).slice(route.path.length), headers, body, certificateNames: namesOf(socket) })
    send(response, reply)
    await reply.after?.().catch((error: unknown) => log.error({ err: error, path: route.path }, 'what follows an HTTP answer failed'))
  }

  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
    else socket.end(`HTTP/1.1 ${error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\nconnection: close\r\n\r\n`)
  })
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new Error(`http: cannot listen on ${host}:${port} (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
  server.on('error', error => log.error({ err: error }, 'the HTTP port reported an error'))
  const bound = server.address() as AddressInfo
  return {
    address: `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async close() {
      if (!server.listening) return
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

/** Every new connection takes the certificate that the files hold then. Clients without one are served too: each route asks for what it needs. */
function secureServer(tls: NonNullable<HttpOptions['tls']>, listener: (request: IncomingMessage, response: ServerResponse) => void) {
  const { certFile, keyFile, clientCaFile } = tls
  const server = createSecureServer({ ...settings, minVersion: 'TLSv1.2', requestCert: clientCaFile !== undefined, rejectUnauthorized: false }, listener)
  const renew = fresh([certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])], ([cert, key, ca]) => {
    try {
      server.setSecureContext({ cert: cert!, key: key!, ...(ca && { ca }) })
    } catch (error) {
      throw new Error(`http.tls: no PEM files that fit together (${(error as { code?: string }).code ?? 'unusable'})`, { cause: error })
    }
  })
  renew()
  server.prependListener('connection', renew)
  return server
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?')[0]!
}

function routeOf(routes: readonly Route[], request: IncomingMessage): Route | undefined {
  const path = pathOf(request)
  return routes.find(route => (route.path.endsWith('/') ? path.startsWith(route.path) && path.length > route.path.length : path === route.path))
}

/** Null where it is too large. */
async function read(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > largestBodyBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Only of a certificate that was verified; a name with a quote or a comma in it is none that could be allowed. */
function namesOf(socket: unknown): readonly string[] {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return []
  const { subject, subjectaltname } = socket.getPeerCertificate()
  const common = subject?.CN as unknown
  return [...(typeof common === 'string' ? [`CN=${common}`] : []), ...(subjectaltname?.split(', ') ?? [])]
}

function send(response: ServerResponse, { status, type, body, headers }: Reply): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', ...headers }).end(body)
}
