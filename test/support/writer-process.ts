import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { WriterLine, WriterOptions } from './appender-writer.ts'

interface End {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly errors: string
}

/** One writer of a fault test, seen from outside. */
export interface WriterProcess {
  readonly pid: number
  /** The number after the last that was acknowledged to it. */
  readonly ackedEnd: number
  readonly counts: { acked: number; refused: number; unknown: number }
  readonly tookToFenceMs: number | null
  readonly ended: Promise<End>
  /** As `ended`; rejects after `boundMs`. */
  end(boundMs: number): Promise<End>
  /** Resolves at the next line of this kind; rejects when the process ends before, or after `boundMs`. */
  heard(event: WriterLine['event'], boundMs: number): Promise<void>
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void
}

export function startWriter(options: WriterOptions): WriterProcess {
  const entry = new URL('appender-writer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, ['--no-warnings', entry, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] })
  const counts = { acked: 0, refused: 0, unknown: 0 }
  const listeners = new Set<(event: WriterLine['event'] | 'ended') => void>()
  let ackedEnd = 0
  let tookToFenceMs: number | null = null
  let errors = ''
  let over = false
  const tell = (event: WriterLine['event'] | 'ended'): void => listeners.forEach(listener => listener(event))
  child.stderr.on('data', chunk => (errors += chunk))
  createInterface({ input: child.stdout }).on('line', text => {
    const line = JSON.parse(text) as WriterLine
    if (line.event === 'fenced') tookToFenceMs = line.tookMs
    if (line.event === 'acked') ackedEnd = line.next
    if (line.event === 'acked' || line.event === 'refused' || line.event === 'unknown') counts[line.event]++
    tell(line.event)
  })
  const ended = new Promise<End>(resolve => {
    child.on('close', code => {
      over = true
      resolve({ code, errors })
      tell('ended')
    })
  })
  return {
    pid: child.pid!,
    get ackedEnd() {
      return ackedEnd
    },
    get tookToFenceMs() {
      return tookToFenceMs
    },
    counts,
    ended,
    end: boundMs => {
      const late = AbortSignal.timeout(boundMs)
      return Promise.race([ended, once(late, 'abort').then(() => Promise.reject(new Error(`the writer ${child.pid} did not end within ${boundMs} ms`)))])
    },
    heard: (wanted, boundMs) =>
      new Promise((resolve, reject) => {
        const finish = (error?: Error): void => {
          clearTimeout(timer)
          listeners.delete(listener)
          if (error) reject(error)
          else resolve()
        }
        const complaint = (why: string): Error => new Error(`the writer ${child.pid} ${why} before it said ${wanted}${errors ? `: ${errors}` : ''}`)
        const listener = (event: string): void => {
          if (event === wanted) finish()
          else if (event === 'ended') finish(complaint('ended'))
        }
        const timer = setTimeout(() => finish(complaint(`took ${boundMs} ms`)), boundMs)
        listeners.add(listener)
        if (over) finish(complaint('had ended'))
      }),
    signal: signal => void child.kill(signal)
  }
}
