import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openLogJudge } from '#shared/audit/judge.ts'
import { originOf } from '#shared/audit-log/place.ts'
import { type Manifest, manifestFile, paths, readManifest } from '#shared/audit-export/layout.ts'
import { auditPage } from '#shared/audit-page/audit-page.ts'
import { exportOf, filesOf } from '#test/support/audit-export.ts'
import { attack, type LogValue, logOf, pagePlace, twoDays } from '#test/support/audit-page-log.ts'
import { programAt } from '#test/support/programs.ts'

const program = programAt('chromium', 'chromium')
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]
const folder = mkdtempSync(join(tmpdir(), 'reeve-page-'))
let browser: Browser | null = null
let records: LogValue[]
let vkey: string
let files: Map<string, Buffer>
/** The good export, for tests that put its filters back. */
let good: Seen

beforeAll(async () => {
  ;({ records, vkey } = await logOf(twoDays(), 40))
  ;({ files } = exportOf(
    pagePlace,
    records.map(({ kind, value }) => ({ key: Buffer.from(kind), value }))
  ))
  if (program === null) return
  browser = await chromium.launch({ executablePath: program, args: flags })
  good = await open(files)
})
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true })
})
beforeEach(async context => {
  if (!browser) context.skip('chromium is missing: apt-get install chromium')
  await good.page.click('text=Show all')
})

interface Seen {
  readonly page: Page
  /** What the page asked for, and what went wrong in it. */
  readonly asked: string[]
  readonly errors: string[]
}

/** Opens an export as a page, and waits until it has judged. */
async function open(exported: ReadonlyMap<string, Buffer>, mostBytes?: number): Promise<Seen> {
  const file = join(folder, `${crypto.randomUUID()}.html`)
  writeFileSync(file, auditPage(filesOf(exported), readManifest(exported.get(manifestFile)!) as Manifest, mostBytes))
  const page = await browser!.newPage({ viewport: { width: 1280, height: 900 } })
  const [asked, errors]: [string[], string[]] = [[], []]
  page.on('request', request => asked.push(request.url()))
  page.on('console', message => errors.push(message.text()))
  page.on('pageerror', error => errors.push(error.message))
  await page.goto(pathToFileURL(file).href)
  await page.waitForSelector('.verdict[data-word]')
  return { page, asked, errors }
}

const word = (page: Page) => page.getAttribute('.verdict', 'data-word')
const types = async (page: Page): Promise<string[]> => [...new Set(await page.locator('tr.row .happened code').allTextContents())].sort()

test('a page verifies its export alone, and is SELF-ATTESTED until a checkpoint from outside and a key are given', async () => {
  const { page, asked, errors } = good
  expect(await word(page)).toBe('SELF-ATTESTED')
  expect(await page.textContent('#held')).toContain('all 175 entries')
  expect(await page.textContent('#own-keys')).toContain(vkey)
  const checkpoint = files.get(paths.checkpoint('0'))!
  await page.setInputFiles('#anchored-file', { name: 'checkpoint', mimeType: 'text/plain', buffer: checkpoint })
  await page.waitForSelector('.verdict[data-word="KEY UNKNOWN"]')
  await page.fill('#key', vkey)
  await page.waitForSelector('.verdict.good[data-word="VERIFIED"]')
  await page.fill('#anchored', checkpoint.toString().replace('175', '174'))
  await page.waitForSelector('.verdict.bad[data-word="NOT VERIFIED"]')
  expect(asked).toHaveLength(1)
  expect(errors).toEqual([])
})

test('text that attacks is shown as text: nothing of it runs, and the policy would let nothing run or leave', async () => {
  const { page, errors } = good
  await page.fill('#filter-text', 'onerror')
  expect(await types(page)).toEqual(['access.denied', 'change.attributed', 'config.changed', 'request.done'])
  for (const opener of await page.locator('.opener').all()) await opener.click()
  await page.locator('summary').first().click()
  const text = await page.innerText('#table')
  expect(text).toContain(attack.replace('\u202e', '\\u{202e}'))
  expect(text).not.toContain('\u202e')
  expect(await page.locator('#table img, #table script, #table svg, #timeline script').count()).toBe(0)
  expect(await page.evaluate('globalThis.harmed')).toBeUndefined()
  expect(errors).toEqual([])
  const refused = `new Promise(resolve => {
    document.addEventListener('securitypolicyviolation', event => resolve(event.effectiveDirective), { once: true })
    fetch('http://127.0.0.1:9/').then(() => resolve('left'), () => setTimeout(resolve, 1000, 'not refused'))
  })`
  expect(await page.evaluate(refused)).toBe('connect-src')
  expect(await page.evaluate(`try { document.body.innerHTML = '<b>x</b>'; 'written' } catch (error) { error.name }`)).toBe('TypeError')
  const injected = `const made = document.createElement('script'); try { made.textContent = 'globalThis.harmed = 1'; document.body.append(made) } catch {} globalThis.harmed`
  expect(await page.evaluate(injected)).toBeUndefined()
})

test('a byte that is another is named with the sequence that the command names, and what follows is marked', async () => {
  const at = records.findIndex(({ kind, value }) => kind === 'event' && value.includes('topic.deleted'))
  const value = Buffer.from(records[at]!.value.toString().replace('ledger.snapshots', 'ledger.snapshotz'))
  const changed = records.with(at, { kind: 'event', value })
  const judge = openLogJudge(originOf(pagePlace), [vkey])
  for (const { kind, value: bytes } of changed) judge.take(kind, bytes)
  const { sequence, reason } = judge.end().fault!
  // No export is made of such a log, so the entry is changed in the file.
  const bundle = [...files.keys()].find(path => path.startsWith('0/tile/entries/'))!
  const whole = files.get(bundle)!
  const place = whole.indexOf(records[at]!.value)
  const { page } = await open(new Map(files).set(bundle, Buffer.concat([whole.subarray(0, place), value, whole.subarray(place + value.length)])))
  expect(await word(page)).toBe('NOT VERIFIED')
  expect(await page.textContent('.sentence')).toContain(`sequence ${sequence}: ${reason}`)
  const wrong = await page.locator('tr.row.wrong').evaluateAll(list => list.map(one => Number(one.getAttribute('data-sequence'))))
  expect(Math.min(...wrong)).toBe(sequence)
  await page.close()
})

test('a part of an export says so, and is verified as far as it goes', async () => {
  const { page } = await open(files, 60_000)
  expect(await page.textContent('#held')).toMatch(/the newest \d+ of 175 entries, from sequence \d+ on/)
  expect(await page.textContent('.findings')).toContain('are not in this page')
  await page.fill('#anchored', files.get(paths.checkpoint('0'))!.toString())
  await page.waitForSelector('.verdict[data-word="KEY UNKNOWN"]')
  await page.close()
})

describe('whoever reads the page', () => {
  test('finds by keyboard alone a change, who made it, what was before and what follows', async () => {
    const { page } = good
    await page.focus('#filter-who')
    await page.keyboard.type('ops-anna')
    expect(await types(page)).toEqual(['change.attributed', 'config.changed'])
    await page.selectOption('#filter-type', 'config.changed')
    const row = page.locator('tr.row')
    expect(await row.count()).toBe(1)
    expect(await row.innerText()).toMatch(/User:ops-anna\s*exact/)
    await page.focus('.opener')
    await page.keyboard.press('Enter')
    const detail = await page.innerText('tr.detail')
    for (const expected of [
      'Before and after',
      '604800000',
      '3600000',
      'offsets newly deletable',
      'User:ops-anna (by attribution)',
      'INCREMENTAL_ALTER_CONFIGS'
    ])
      expect(detail).toContain(expected)
    await page.keyboard.press('Enter')
    expect(await page.locator('tr.detail').count()).toBe(0)
  })

  test('goes by the timeline to an hour, to a kind, and back to everything; a gap is red', async () => {
    const { page } = good
    const gap = page.locator('.column', { has: page.locator('.gap-band') })
    expect(await gap.count()).toBe(1)
    await gap.focus()
    await page.keyboard.press('Enter')
    expect(await page.inputValue('#filter-fromMs')).toMatch(/^2026-11-21T\d\d:00/)
    expect(await types(page)).toContain('audit.gap')
    expect(await page.textContent('#count')).toContain('1 gap in all')
    await page.locator('.lane-name.gap').click()
    expect(await types(page)).toEqual(['audit.gap'])
    const colour = await page.evaluate(`getComputedStyle(document.querySelector('tr.row.gap .happened')).color`)
    expect(colour).toBe('rgb(179, 49, 44)')
    await page.getByRole('button', { name: 'Show all' }).click()
    expect(await page.textContent('#count')).toContain('175 of 175')
    await page.emulateMedia({ media: 'print' })
    expect(await page.isVisible('.filters')).toBe(false)
    expect(await page.isVisible('.verdict')).toBe(true)
    await page.emulateMedia({ media: 'screen' })
  })
})
