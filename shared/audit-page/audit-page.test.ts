import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { exportOf, filesOf } from '#test/support/audit-export.ts'
import { attack, logOf, pagePlace, twoDays } from '#test/support/audit-page-log.ts'
import { type ExportFiles, type Manifest, manifestFile, readManifest } from '../audit-export/layout.ts'
import { auditPage } from './audit-page.ts'
import { type PageData, recordsIn } from './browser/data.ts'
import { checkLog } from './browser/log-check.ts'
import { buildTemplate, templateFile } from './template.ts'

let files: ExportFiles
let manifest: Manifest
beforeAll(async () => {
  const { records } = await logOf(twoDays(), 20)
  const made = exportOf(
    pagePlace,
    records.map(({ kind, value }) => ({ key: Buffer.from(kind), value }))
  )
  files = filesOf(made.files)
  manifest = readManifest(files.read(manifestFile)!) as Manifest
})

function dataIn(page: Buffer): PageData {
  return JSON.parse(/<script type="application\/json" id="data">(.*)<\/script>/.exec(page.toString())![1]!) as PageData
}

test('the template is what its sources make: node shared/audit-page/write-template.ts', () => {
  expect(readFileSync(templateFile, 'utf8')).toBe(buildTemplate())
})

test('the sources of the page write no markup, load nothing and run no text', () => {
  const folder = join(import.meta.dirname, 'browser')
  for (const file of readdirSync(folder).filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts')))
    expect(readFileSync(join(folder, file), 'utf8'), file).not.toMatch(
      /innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|\bfetch\b|XMLHttp|import\(/
    )
})

test('a page holds the records of the export, and no text of theirs that could be markup', async () => {
  const page = auditPage(files, manifest)
  const [log] = dataIn(page).logs
  const checked = await checkLog(log!.origin, await recordsIn(log!))
  expect(checked).toMatchObject({ fault: null, first: 0, size: manifest.logs[0]!.size })
  expect(page.toString()).not.toContain('onerror')
  expect(auditPage(files, manifest).equals(page)).toBe(true)
})

test('the names of a manifest are no markup either', () => {
  const page = auditPage(files, { ...manifest, topic: attack })
  expect(page.toString()).not.toContain('<img')
  expect(dataIn(page).topic).toBe(attack)
})

test('an export that is too large is held from a trailer on, as much as fits, and proven still', async () => {
  const { size } = manifest.logs[0]!
  let heldBefore = Infinity
  for (const mostBytes of [200_000, 100_000, 30_000, 1]) {
    const [log] = dataIn(auditPage(files, manifest, mostBytes)).logs
    const checked = await checkLog(log!.origin, await recordsIn(log!))
    expect(checked).toMatchObject({ fault: null, first: log!.first, size })
    expect(size - log!.first).toBeLessThan(heldBefore)
    expect(size - log!.first).toBeGreaterThan(0)
    heldBefore = size - log!.first
    const bytes = (await recordsIn(log!)).reduce((sum, record) => sum + record.bytes.length, 0)
    if (mostBytes > 30_000) expect(bytes).toBeLessThanOrEqual(mostBytes + 5_000)
  }
})
