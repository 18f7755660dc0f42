import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A request as it went over the wire. */
export interface TappedRequest {
  readonly apiKey: number
  readonly apiVersion: number
  /** All bytes after the header's client id: the header's tagged fields too, where the version has them. */
  readonly rest: Buffer
}

export interface RequestTap {
  readonly requests: readonly TappedRequest[]
  /** `host:port` in front of an address. */
  inFrontOf(address: string): string
  close(): Promise<void>
}

/** Stands in front of plain listeners of Kafka and reads each request that goes through (Kafka's protocol guide, request header v1 and v2). */
export async function openRequestTap(addresses: readonly string[]): Promise<RequestTap> {
  const requests: TappedRequest[] = []
  const servers = new Map<string, Server>()
  const sockets = new Set<Socket>()
  for (const address of addresses) {
    const [host, port] = address.split(':')
    const server = createServer(socket => {
      const onward = connect(Number(port), host)
      let unread = Buffer.alloc(0)
      socket.on('data', bytes => {
        onward.write(bytes)
        unread = Buffer.concat([unread, bytes])
        while (unread.length >= 4 && unread.length >= 4 + unread.readInt32BE(0)) {
          const end = 4 + unread.readInt32BE(0)
          requests.push(readRequest(unread.subarray(4, end)))
          unread = unread.subarray(end)
        }
      })
      onward.pipe(socket)
      for (const [one, other] of [
        [socket, onward],
        [onward, socket]
      ] as const) {
        sockets.add(one)
        one.on('error', () => other.destroy())
        one.on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
      }
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    servers.set(address, server)
  }
  return {
    requests,
    inFrontOf(address) {
      const server = servers.get(address)
      if (!server) throw new Error(`nothing stands in front of ${address}`)
      return `127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      for (const server of servers.values()) {
        server.close()
        await once(server, 'close')
      }
    }
  }
}

function readRequest(bytes: Buffer): TappedRequest {
  const clientIdLength = Math.max(0, bytes.readInt16BE(8))
  return { apiKey: bytes.readInt16BE(0), apiVersion: bytes.readInt16BE(2), rest: Buffer.from(bytes.subarray(10 + clientIdLength)) }
}

/** The replica ids that a Fetch of version 15 to 18 or a FetchSnapshot names, -1 where it leaves them at their default. Throws for others. */
export function replicaIdOf({ apiKey, apiVersion, rest }: TappedRequest): number {
  let at = 1 // no tagged field in the header
  if (rest[0] !== 0) throw new Error(`the header has ${rest[0]} tagged fields`)
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = rest.readUInt8(at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const tags = (): Map<number, Buffer> => {
    const found = new Map<number, Buffer>()
    for (let left = varint(); left > 0; left--) {
      const tag = varint()
      const length = varint()
      found.set(tag, rest.subarray(at, (at += length)))
    }
    return found
  }
  const array = (item: () => void): void => {
    for (let left = varint() - 1; left > 0; left--) item()
  }
  if (apiKey === 59) return rest.readInt32BE(at)
  if (apiKey !== 1 || apiVersion < 15) throw new Error(`request ${apiKey} of version ${apiVersion} is none of these`)
  at += 4 + 4 + 4 + 1 + 4 + 4
  array(() => {
    at += 16
    array(() => {
      at += 4 + 4 + 8 + 4 + 8 + 4
      tags()
    })
    tags()
  })
  array(() => {
    at += 16
    array(() => (at += 4))
    tags()
  })
  const rackIdLength = varint() - 1
  at += rackIdLength
  const replicaState = tags().get(1)
  if (at !== rest.length) throw new Error(`${rest.length - at} bytes are left after the request`)
  return replicaState ? replicaState.readInt32BE(0) : -1
}
