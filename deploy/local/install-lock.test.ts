import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { withInstallLock } from './install-lock.js'
import { identify } from './process-identity.js'

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'lock-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return made
}

test('the lock is held while the work is done, and nothing is left of it, also when the work throws', async () => {
  const made = folder()
  let held = false
  await withInstallLock(made, () => {
    held = existsSync(join(made, 'install.lock'))
  })
  expect(held).toBe(true)
  const fails = () => {
    throw new Error('no network')
  }
  await expect(withInstallLock(made, fails)).rejects.toThrow('no network')
  expect(readdirSync(made)).toEqual([])
})

test('the lock of a killed holder is taken over, that of a living one is waited for', async () => {
  const made = folder()
  const lock = join(made, 'install.lock')
  writeFileSync(lock, JSON.stringify({ ...identify(process.pid), start: 'before' }))
  let done = 0
  await withInstallLock(made, () => void done++)
  expect(done).toBe(1)
  writeFileSync(lock, JSON.stringify(identify(process.pid)))
  const waiting = withInstallLock(made, () => void done++)
  expect(done).toBe(1)
  rmSync(lock)
  await waiting
  expect(done).toBe(2)
})
