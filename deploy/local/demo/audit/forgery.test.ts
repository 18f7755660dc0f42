import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFolder } from '#shared/audit-export/folder.ts'
import { manifestFile, readManifest, type Manifest } from '#shared/audit-export/layout.ts'
import { judgeExport } from '#shared/audit-export/verify-export.ts'
import { type ExportInMemory, exportInMemory, writeExport } from '#test/support/audit-export.ts'
import { cutBack, flipByte } from './forgery.ts'

const folder = mkdtempSync(join(tmpdir(), 'reeve-forgery-'))
const good = join(folder, 'good')
let made: ExportInMemory
beforeAll(async () => {
  made = await exportInMemory(600)
  writeExport(made.files, good)
})
afterAll(() => rmSync(folder, { recursive: true }))

function judged(place: string) {
  const files = openFolder(place)
  const { logs } = readManifest(files.read(manifestFile)!) as Manifest
  return judgeExport(files, logs[0]!, [made.vkey])
}

test.each([5, 255, 256, 599])('a flipped byte makes the entry %i wrong, and no other before it', sequence => {
  const place = join(folder, `flipped-${sequence}`)
  flipByte(good, place, sequence, '"timestamp":"')
  expect(judged(place).fault).toMatchObject({ sequence })
  expect(judged(good).fault).toBeNull()
})

test('a text that is not in the entry is said, and nothing is copied', () => {
  expect(() => flipByte(good, join(folder, 'none'), 7, 'no such text')).toThrow('does not hold')
  expect(openFolder(join(folder, 'none')).list('0')).toEqual([])
})

test('a copy that is cut back ends at a checkpoint, and has no fault by itself', () => {
  const place = join(folder, 'cut')
  const size = cutBack(good, place, 400)
  expect(size).toBeLessThanOrEqual(400)
  expect(judged(place)).toMatchObject({ size, checkpointed: size, fault: null })
  expect(size).toBeGreaterThan(256)
})

test('a copy cannot be cut back behind its first checkpoint', () => {
  expect(() => cutBack(good, join(folder, 'nothing'), 3)).toThrow('no checkpoint of at most 3 entries')
})
