import { subscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** Counts what this process writes to its plain sockets from now on. */
export function sentBytes(): () => number {
  const sockets = new Set<Socket>()
  subscribe('net.client.socket', message => void sockets.add((message as { socket: Socket }).socket))
  return () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, 0)
}
