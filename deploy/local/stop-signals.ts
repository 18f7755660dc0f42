const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Resolves at the first signal that asks to stop. Later ones do nothing: ending has begun, and a terminal may send Ctrl-C twice through npm. */
export function untilStopped(): Promise<NodeJS.Signals> {
  return new Promise(resolve => {
    for (const signal of STOP_SIGNALS) process.on(signal, () => resolve(signal))
  })
}
