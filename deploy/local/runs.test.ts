import fc from 'fast-check'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { fateOf, identify, startOfStat } from './process-identity.js'
import { cleanUpCrashedRuns, decideOnRun, parseOwnership, Run } from './runs.ts'

const here = { host: 'h', boot: 'b', namespace: 'n' }
const recorded = { pid: 100, start: '5', ...here }
const child = { ...recorded, pid: 101 }

test('a process is alive only under its own start time', () => {
  expect(fateOf(recorded, { here, now: recorded })).toBe('alive')
  expect(fateOf(recorded, { here, now: { ...recorded, start: '6' } })).toBe('dead')
  expect(fateOf(recorded, { here, now: undefined })).toBe('dead')
})

test('after a reboot it is dead, whoever has its pid and start time', () => {
  expect(fateOf(recorded, { here: { ...here, boot: 'later' }, now: recorded })).toBe('dead')
})

test('what runs on another host or in another container is left alone', () => {
  expect(fateOf(recorded, { here: { ...here, host: 'other' }, now: undefined })).toBe('elsewhere')
  expect(fateOf(recorded, { here: { ...here, namespace: 'other' }, now: undefined })).toBe('elsewhere')
})

test('only a run whose owner is dead is cleaned up, and only its living processes are ended', () => {
  const fates = (owner: 'alive' | 'dead' | 'elsewhere') =>
    decideOnRun({ owner: recorded, children: [child, { ...child, pid: 102 }] }, ({ pid }) => (pid === 100 ? owner : pid === 101 ? 'alive' : 'dead'))
  expect(fates('dead')).toEqual({ clean: true, end: [child] })
  expect(fates('alive')).toEqual({ clean: false, end: [] })
  expect(fates('elsewhere')).toEqual({ clean: false, end: [] })
})

test('the start time is found behind a name with spaces and brackets, and a zombie has ended', () => {
  const after = `${'0 '.repeat(18)}4242 0 0`
  expect(startOfStat(`7 (a) b) S ${after}`)).toBe('4242')
  expect(startOfStat(`7 (java) Z ${after}`)).toBeUndefined()
})

test('this process is found, a pid beyond all is not', () => {
  expect(identify(process.pid)).toEqual(identify(process.pid))
  expect(identify(process.pid)?.start).toMatch(/\S/)
  expect(identify(2 ** 30)).toBeUndefined()
})

test('an owner.json that is not whole names nothing to end', () => {
  const whole = JSON.stringify({ owner: recorded, children: [child] })
  expect(parseOwnership(whole)).toEqual({ owner: recorded, children: [child] })
  for (let length = 0; length < whole.length; length++) expect(parseOwnership(whole.slice(0, length))).toBeUndefined()
  for (const pid of [0, 1, -1, 1.5, '100', null]) expect(parseOwnership(JSON.stringify({ owner: recorded, children: [{ ...child, pid }] }))).toBeUndefined()
  fc.assert(
    fc.property(fc.json(), text => {
      expect(parseOwnership(text)).toBeUndefined()
    })
  )
})

test('a run in use is left alone, a broken one is told about, a removed one leaves its logs', async () => {
  const base = mkdtempSync(join(tmpdir(), 'runs-'))
  onTestFinished(() => rm(base, { recursive: true }))
  const kept = new Run(base)
  const broken = new Run(base)
  writeFileSync(join(broken.folder, 'owner.json'), '{')
  const said = await cleanUpCrashedRuns(base)
  expect(said).toEqual([expect.stringContaining(`run ${broken.id}: owner.json is broken`)])
  expect(readdirSync(join(base, 'run')).toSorted()).toEqual([kept.id, broken.id].toSorted())
  writeFileSync(join(kept.logs, 'node-1.log'), 'words')
  await kept.remove()
  expect(readdirSync(join(base, 'logs', kept.id))).toEqual(['node-1.log'])
  expect(readdirSync(join(base, 'run'))).toEqual([broken.id])
})

test('only the last five runs keep their logs', async () => {
  const base = mkdtempSync(join(tmpdir(), 'runs-'))
  onTestFinished(() => rm(base, { recursive: true }))
  for (let count = 0; count < 7; count++) await new Run(base).remove()
  expect(readdirSync(join(base, 'logs'))).toHaveLength(5)
})
