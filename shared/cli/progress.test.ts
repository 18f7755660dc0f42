import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { progress } from './progress.ts'
import type { Cli } from './session.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

test('a long walk says every five seconds how far it is, a short one nothing', () => {
  const said: string[] = []
  const tell = progress({ err: (text: string) => void said.push(text) } as unknown as Cli, { fromMs: 0, untilMs: 100_000, what: 'observations' })
  for (let atMs = 0; atMs <= 100_000; atMs += 10_000) {
    tell(atMs)
    vi.advanceTimersByTime(1_000)
  }
  expect(said).toEqual(['6 observations, 1970-01-01T00:00:50.000Z, 50 %', '11 observations, 1970-01-01T00:01:40.000Z, 100 %'])
})
