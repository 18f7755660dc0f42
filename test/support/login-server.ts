import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

const [apiVersions, saslHandshake, saslAuthenticate] = [18, 17, 36] as const
const authenticationFailed = 58

/** As much of a broker as a client needs to log in: versions, handshake and SaslAuthenticate v2. Answers nothing else. */
export interface LoginServer {
  readonly port: number
  readonly sockets: ReadonlySet<Socket>
  /** Logins so far, renewals of a session too. */
  readonly logins: number
  close(): void
}

/** `answer` decides each login by its number from 1: how long the session lasts, or null for a refusal, after which the connection is reset. */
export async function openLoginServer(answer: (login: number) => { readonly sessionMs: number } | null): Promise<LoginServer> {
  const sockets = new Set<Socket>()
  let logins = 0
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
    let kept = Buffer.alloc(0)
    socket.on('data', chunk => {
      kept = Buffer.concat([kept, chunk])
      while (kept.length >= 4 && kept.length >= 4 + kept.readInt32BE(0)) {
        const request = kept.subarray(4, 4 + kept.readInt32BE(0))
        kept = kept.subarray(4 + request.length)
        handle(socket, request.readInt16BE(0), request.subarray(4, 8))
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  function handle(socket: Socket, apiKey: number, correlation: Buffer): void {
    const send = (...parts: Buffer[]) => {
      const body = Buffer.concat([correlation, ...parts])
      socket.write(Buffer.concat([int(4, body.length), body]))
    }
    if (apiKey === apiVersions) return send(int(2, 0), int(4, 1), int(2, saslAuthenticate), int(2, 0), int(2, 2), int(4, 0))
    if (apiKey === saslHandshake) return send(int(2, 0), int(4, 1), int(2, 5), Buffer.from('PLAIN'))
    if (apiKey !== saslAuthenticate) return
    const session = answer(++logins)
    const noText = int(1, 0)
    const noBytes = int(1, 1)
    const tags = int(1, 0)
    send(tags, int(2, session ? 0 : authenticationFailed), noText, noBytes, int(8, session?.sessionMs ?? 0), tags)
    // Once the client has read that and ended its side.
    if (!session) socket.once('end', () => socket.resetAndDestroy())
  }

  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    get logins() {
      return logins
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}

function int(bytes: 1 | 2 | 4 | 8, value: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  if (bytes === 8) buffer.writeBigInt64BE(BigInt(value))
  else buffer.writeIntBE(value, 0, bytes)
  return buffer
}
