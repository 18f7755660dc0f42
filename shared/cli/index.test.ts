import { expect, test } from 'vitest'
import { PolicyMistake } from '../engine/policy-mistake.ts'
import type { Cli } from './session.ts'
import { main } from './index.ts'

test.each([
  [new PolicyMistake('policy.keys: expected a key'), 3],
  [new Error('the disk is full'), 1]
])('%s ends with %i, and is said once', async (error, exitCode) => {
  const said: string[] = []
  const cli = { out: (text: string) => said.push(text), err: (text: string) => said.push(text) } as unknown as Cli
  const parseAsync = async (): Promise<never> => {
    throw error
  }
  expect(await main(cli, ['stream', 'audit-mirror'], { parseAsync })).toBe(exitCode)
  expect(said).toEqual([`reeve: ${error.message}`])
})
