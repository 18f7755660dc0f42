import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConsumerOptions, say } from './options.ts'

/** Runs a consumer process and starts it again each time that it ends with an error, as an orchestrator would. Ends with "stop" or SIGTERM. */
export async function supervise(entry: string, options: ConsumerOptions): Promise<void> {
  const stopping = new AbortController()
  let child: ChildProcess | null = null
  let fixed = options.fixed

  const hear = createInterface({ input: process.stdin })
  const stop = (): void => {
    stopping.abort()
    child?.stdin?.end('stop\n')
  }
  hear.on('line', line => {
    if (line === 'fixed') {
      fixed = true
      child?.stdin?.write('fixed\n')
    } else if (line === 'stop') stop()
  })
  hear.on('close', stop)
  process.once('SIGTERM', stop)

  for (let restarts = 0; !stopping.signal.aborted; restarts++) {
    if (restarts > 0) say('restarting', { restarts })
    const member = spawn(process.execPath, [entry], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, SUPERVISED: 'yes', CONSUMER_OPTIONS: JSON.stringify({ ...options, fixed }) }
    })
    child = member
    // It may end while it is being told something.
    member.stdin.on('error', () => undefined)
    const ended = await new Promise<number | NodeJS.Signals | null>(resolve => member.once('close', (code, signal) => resolve(code ?? signal)))
    child = null
    say('ended', { ended, restarts })
    if (ended === 0) break
    await sleep(options.restartDelayMs, undefined, { signal: stopping.signal }).catch(() => undefined)
  }
  process.exit(0)
}
