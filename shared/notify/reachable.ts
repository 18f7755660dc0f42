import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'

const timeoutMs = 5_000

/** Connects to where a URL points, with TLS and the name in its certificate where it says https, and sends nothing. Throws one sentence without the URL's path. */
export async function reachable(url: string): Promise<void> {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const socket = protocol === 'https:' ? connectTls({ host, port: Number(port || 443), servername: host }) : connectPlain({ host, port: Number(port || 80) })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(protocol === 'https:' ? 'secureConnect' : 'connect', resolve)
      socket.once('error', reject)
      socket.setTimeout(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)))
    })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(`no connection to ${host} (${code ?? message})`, { cause: error })
  } finally {
    socket.destroy()
  }
}
