import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { directoryAnchor } from '#shared/anchors/directory.ts'
import { openFolder } from '#shared/audit-export/folder.ts'
import { openExport, proveExport } from '#shared/audit-export/prove-export.ts'
import { exportInMemory, writeExport } from './support/audit-export.ts'
import { randomFrom } from './support/seeded.ts'

// Two verifiers that share no line: Reeve's, and one in Python that was written from the format's specification alone.

interface Case {
  readonly name: string
  readonly export: string
  readonly key: string
  /** Directories. */
  readonly anchors: readonly string[]
  readonly allowUnanchored: boolean
  readonly verified: boolean
  /** The first bad one; null where the specification does not fix it. */
  readonly sequence: number | null
}

interface Opinion {
  readonly verified: boolean
  readonly sequence: number | null
}

const scripts = join(import.meta.dirname, 'independent')
const folder = mkdtempSync(join(tmpdir(), 'second-opinion-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function python(script: string, ...options: string[]): Promise<{ code: number; out: string }> {
  try {
    const { stdout } = await promisify(execFile)('python3', ['-B', join(scripts, script), ...options], { maxBuffer: 64 * 1024 * 1024 })
    return { code: 0, out: stdout }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: `${stdout}${stderr}` }
  }
}

async function reevesOpinion({ export: at, key, anchors, allowUnanchored }: Case): Promise<Opinion> {
  const files = openFolder(at)
  const manifest = openExport(files)
  if ('fault' in manifest) return { verified: false, sequence: null }
  const opened = anchors.map(path => directoryAnchor({ name: 'keeper', outside: true, path }))
  const logs = await proveExport(files, manifest, [key], opened)
  const verified = logs.every(({ state }) => state === 'proven' || (state === 'unanchored' && allowUnanchored))
  return { verified, sequence: logs.find(({ fault }) => fault !== null)?.fault?.sequence ?? null }
}

async function pythonsOpinions(cases: readonly Omit<Case, 'name' | 'verified' | 'sequence'>[], name: string): Promise<Opinion[]> {
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(cases))
  const { out } = await python('audit_exports.py', '--judge', file)
  return (JSON.parse(out) as Opinion[]).map(({ verified, sequence }) => ({ verified, sequence }))
}

const timeout = 120_000
let cases: Case[]
let good: Case
beforeAll(async () => {
  await python('audit_exports.py', '--out', join(folder, 'made'))
  cases = JSON.parse(readFileSync(join(folder, 'made/cases.json'), 'utf8')) as Case[]
  good = cases[0]!
}, timeout)

test('the second verifier checks itself against RFC 8032, RFC 6962 and C2SP first', async () => {
  expect(await python('verify_audit.py', '--self-test')).toEqual({ code: 0, out: 'self-test passed\n' })
})

test('a good export, and every one that somebody has altered, gets the same answer from both verifiers', { timeout }, async () => {
  const [second, first] = await Promise.all([pythonsOpinions(cases, 'made'), Promise.all(cases.map(reevesOpinion))])
  const told = cases.map(({ name, sequence }, index) => {
    const open = sequence === null ? { sequence } : {}
    return { name, first: { ...first[index], ...open }, second: { ...second[index], ...open } }
  })
  expect(told).toEqual(cases.map(({ name, verified, sequence }) => ({ name, first: { verified, sequence }, second: { verified, sequence } })))
  expect(cases.filter(({ verified }) => !verified).length).toBeGreaterThanOrEqual(20)
})

test('an export of Reeve is verified by the second verifier too, and of any file of it that was altered both say the same', { timeout }, async () => {
  const { files, vkey } = await exportInMemory(260)
  const random = randomFrom(20_261_121)
  const below = (bound: number): number => Math.floor(random() * bound)
  const paths = [...files.keys()].filter(path => path !== 'manifest.json')
  const altered = Array.from({ length: 14 }, (_, number) => {
    const changed = new Map(files)
    if (number === 0) return { what: 'nothing', changed }
    const path = paths[number % paths.length]!
    const bytes = Buffer.from(files.get(path)!)
    const at = below(bytes.length)
    const kind = below(4)
    if (kind === 0) changed.delete(path)
    else if (kind === 1) changed.set(path, bytes.subarray(0, at))
    else changed.set(path, Buffer.concat([bytes.subarray(0, at), Buffer.from([bytes[at]! ^ (1 + below(255))]), bytes.subarray(at + (kind === 2 ? 1 : 0))]))
    return { what: `${path}, byte ${at}, ${['gone', 'cut', 'changed', 'inserted'][kind]}`, changed }
  })
  const exports = altered.map(({ changed }, number) => {
    const at = join(folder, `own-${number}`)
    writeExport(changed, at)
    return { name: altered[number]!.what, export: at, key: vkey, anchors: [], allowUnanchored: true, verified: number === 0, sequence: null }
  })
  const [second, first] = await Promise.all([pythonsOpinions(exports, 'own'), Promise.all(exports.map(reevesOpinion))])
  expect(second[0]).toEqual({ verified: true, sequence: null })
  expect(exports.map(({ name }, index) => ({ name, ...second[index] }))).toEqual(exports.map(({ name }, index) => ({ name, ...first[index] })))
})

test('the second verifier says with its exit code whether all holds, and names the first bad sequence', async () => {
  const bad = cases.find(({ name }) => name === 'a flipped byte in an entry')!
  const options = ({ export: at, key }: Case) => ['--export', at, '--key', key]
  const [held, alone, flipped, nowhere, garbage] = await Promise.all([
    python('verify_audit.py', ...options(good), '--allow-unanchored', '--json'),
    python('verify_audit.py', ...options(good)),
    python('verify_audit.py', ...options(bad), '--allow-unanchored'),
    python('verify_audit.py', '--export', folder, '--key', good.key),
    python('verify_audit.py', '--export', good.export, '--key', 'no+key')
  ])
  expect(held.code).toBe(0)
  expect(JSON.parse(held.out)).toMatchObject({ verified: true, selfAttested: true, logs: [{ size: 300, anchoredSize: 0 }] })
  expect(alone).toEqual({ code: 1, out: expect.stringContaining('SELF-ATTESTED') })
  expect(flipped).toEqual({ code: 1, out: expect.stringContaining('NOT VERIFIED, first bad sequence 120: ') })
  for (const { code, out } of [nowhere, garbage]) {
    expect(code).toBe(1)
    expect(out).toMatch(/^NOT VERIFIED: [^\n]+\n$/)
  }
})
