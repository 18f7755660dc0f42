import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

export interface HttpOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>
  /** The state of each cluster, for /readyz: plain JSON. One is ready when it is led or stood by. */
  clusters(): Readonly<Record<string, { readonly role: string } & object>>
  readonly log: Log
}

export interface Http {
  /** `host:port` that it listens on. */
  readonly address: string
  close(): Promise<void>
}

/**
 * The port for machines: /metrics, /healthz (this process answers), /readyz (what each part says; 503 while no cluster is led or stood by). GET
 * only, small headers, few connections. Rejects when the port is taken.
 */
export async function openHttp({ host, port, metrics, clusters, log }: HttpOptions): Promise<Http> {
  const server = createServer({ maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 }, (request, response) => {
    answer(request.method ?? '', (request.url ?? '').split('?')[0]!, response).catch((error: unknown) => {
      log.error({ err: error, path: request.url }, 'an HTTP request could not be answered')
      if (response.headersSent) response.destroy()
      else send(response, 500, 'text/plain', 'this request could not be answered\n')
    })
  })
  server.maxConnections = 64

  async function answer(method: string, path: string, response: ServerResponse): Promise<void> {
    if (!['/metrics', '/healthz', '/readyz'].includes(path)) return send(response, 404, 'text/plain', 'expected /metrics, /healthz or /readyz\n')
    if (method !== 'GET') {
      response.setHeader('allow', 'GET')
      return send(response, 405, 'text/plain', 'expected GET\n')
    }
    if (path === '/healthz') return send(response, 200, 'application/json', '{"alive":true}\n')
    if (path === '/metrics') return send(response, 200, metrics.contentType, await metrics.text())
    const state = clusters()
    // One of several that cannot be reached must not take the others' port out of service.
    const ready = Object.values(state).some(({ role }) => role === 'leader' || role === 'standby')
    send(response, ready ? 200 : 503, 'application/json', `${JSON.stringify({ ready, clusters: state })}\n`)
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

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }).end(body)
}
