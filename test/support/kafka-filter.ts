import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands in front of a broker of this machine and ends each connection on which one kind of request comes. */
export interface KafkaFilter {
  readonly address: string
  close(): Promise<void>
}

export async function openKafkaFilter(broker: string, refusedApiKey: number): Promise<KafkaFilter> {
  const port = Number(broker.split(':').at(-1))
  const open = new Set<Socket>()
  const server = createServer(socket => {
    const onward = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [socket, onward],
      [onward, socket]
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy()).on('close', () => open.delete(one) && other.destroy())
    }
    onward.pipe(socket)
    let kept = Buffer.alloc(0)
    socket.on('data', chunk => {
      kept = Buffer.concat([kept, chunk])
      while (kept.length >= 6 && kept.length >= 4 + kept.readInt32BE(0)) {
        const request = kept.subarray(0, 4 + kept.readInt32BE(0))
        kept = kept.subarray(request.length)
        if (request.readInt16BE(4) === refusedApiKey) {
          socket.destroy()
          return
        }
        onward.write(request)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}
