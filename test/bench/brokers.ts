import { execFileSync } from 'node:child_process'
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Stack } from '#test/support/stack.ts'

type Looked = Pick<Stack, 'nodes' | 'logs'>

/** What the brokers have spent and written so far, to be subtracted. */
export interface Spent {
  /** User and system time of all brokers together, milliseconds; null where they are no processes of this machine. */
  readonly cpuMs: number | null
  /** Bytes of each authorizer log. */
  readonly logBytes: ReadonlyMap<string, number>
}

/** A tick of /proc/<pid>/stat, as `getconf CLK_TCK` says. */
const tickMs = 1_000 / Number(process.platform === 'linux' ? execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }) : 100)

export function spent({ nodes, logs }: Looked): Spent {
  const brokers = nodes.filter(({ name }) => name.startsWith('node-'))
  const cpuMs = brokers.length === 0 || process.platform !== 'linux' ? null : brokers.reduce((sum, { pid }) => sum + cpuMsOf(pid), 0)
  const files = brokers.map(({ name }) => join(logs, `${name}-authorizer.log`)).filter(file => existsSync(file))
  return { cpuMs, logBytes: new Map(files.map(file => [file, statSync(file).size])) }
}

/** Lines that the authorizers have written since. */
export async function authorizerLines(stack: Looked, since: Spent): Promise<number> {
  let lines = 0
  for (const [file, end] of spent(stack).logBytes) {
    const start = since.logBytes.get(file) ?? 0
    if (end > start) for await (const chunk of createReadStream(file, { start, end: end - 1 })) for (const byte of chunk as Buffer) if (byte === 10) lines++
  }
  return lines
}

/** utime and stime, fields 14 and 15 of /proc/<pid>/stat (proc(5)); the name before them may hold spaces. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}
