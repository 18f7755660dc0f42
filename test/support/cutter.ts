import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands in front of a port of this machine and can cut every connection through it. */
export interface Cutter {
  readonly port: number
  /** Where connections go; set before the first one comes. */
  target: number
  /** Connections that came so far. */
  readonly accepted: number
  cut(): void
  close(): Promise<void>
}

export async function openCutter(): Promise<Cutter> {
  const open = new Set<Socket>()
  let accepted = 0
  const server = createServer(socket => {
    accepted++
    const onward = connect(cutter.target, '127.0.0.1')
    for (const [one, other] of [
      [socket, onward],
      [onward, socket]
    ] as const) {
      open.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cutter: Cutter = {
    port: (server.address() as AddressInfo).port,
    target: 0,
    get accepted() {
      return accepted
    },
    cut() {
      for (const socket of open) socket.destroy()
    },
    async close() {
      this.cut()
      server.close()
      await once(server, 'close')
    }
  }
  return cutter
}
