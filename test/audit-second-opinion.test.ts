import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { directoryAnchor } from '#shared/anchors/directory.ts'
import { openFolder } from '#shared/audit-export/folder.ts'
import { endsOfExport, openExport, proveExport } from '#shared/audit-export/prove-export.ts'
import { endTopic } from '#shared/audit-log/continue.ts'
import { transactionalIdOf } from '#shared/audit-log/place.ts'
import { exportInMemory, writeExport } from './support/audit-export.ts'
import { exportTopic } from './support/audit-topic-export.ts'
import { auditTopicWorld, numbersOf } from './support/audit-topic-world.ts'
import { fakeKafka } from './support/fake-kafka.ts'
import { randomFrom } from './support/seeded.ts'

// Two verifiers that share no line: Reeve's, and one in Python that was written from the format's specification alone.

interface Case {
  readonly name: string
  readonly export: string
  readonly key: string
  /** Directories. */
  readonly anchors: readonly string[]
  readonly allowUnanchored: boolean
  /** An export of the topic that this one continues. */
  readonly earlier?: string | null
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

function endsOf(earlier: string): ReturnType<typeof endsOfExport> {
  const files = openFolder(earlier)
  const manifest = openExport(files)
  return 'fault' in manifest ? { unseen: manifest.fault } : endsOfExport(files, manifest, [])
}

async function reevesOpinion({ export: at, key, anchors, allowUnanchored, earlier }: Case): Promise<Opinion> {
  const files = openFolder(at)
  const manifest = openExport(files)
  if ('fault' in manifest) return { verified: false, sequence: null }
  const opened = anchors.map(path => directoryAnchor({ name: 'keeper', outside: true, path }))
  const ends = typeof earlier === 'string' ? endsOf(earlier) : null
  if (ends !== null && 'unseen' in ends) return { verified: false, sequence: null }
  const logs = await proveExport(files, manifest, [key], opened, ends === null ? {} : { earlier: ends })
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
  expect(cases.filter(({ verified }) => !verified).length).toBeGreaterThanOrEqual(100)
})

type Files = ReadonlyMap<string, Buffer>

/** One file of an export gone, cut, with another byte or with one more. */
function withOneAltered(files: Files, number: number, random: () => number): { readonly name: string; readonly files: Files } {
  const below = (bound: number): number => Math.floor(random() * bound)
  const changed = new Map(files)
  const paths = [...files.keys()].filter(path => path !== 'manifest.json')
  const path = paths[number % paths.length]!
  const bytes = Buffer.from(files.get(path)!)
  const at = below(bytes.length)
  const kind = below(4)
  if (kind === 0) changed.delete(path)
  else if (kind === 1) changed.set(path, bytes.subarray(0, at))
  else changed.set(path, Buffer.concat([bytes.subarray(0, at), Buffer.from([bytes[at]! ^ (1 + below(255))]), bytes.subarray(at + (kind === 2 ? 1 : 0))]))
  return { name: `${path}, byte ${at}, ${['gone', 'cut', 'changed', 'inserted'][kind]}`, files: changed }
}

/** `own` are exports of Reeve itself: a good one first. */
async function expectOneAnswer(own: readonly { readonly name: string; readonly files: Files; readonly earlier?: Files }[], key: string): Promise<void> {
  const made = mkdtempSync(join(folder, 'own-'))
  const write = (files: Files, name: string): string => {
    writeExport(files, join(made, name))
    return join(made, name)
  }
  const exports = own.map(({ name, files, earlier }, number): Case => {
    const places = { export: write(files, `${number}`), earlier: earlier ? write(earlier, `${number}-earlier`) : null }
    return { ...places, name, key, anchors: [], allowUnanchored: true, verified: number === 0, sequence: null }
  })
  const [second, first] = await Promise.all([pythonsOpinions(exports, basename(made)), Promise.all(exports.map(reevesOpinion))])
  expect(second[0]).toEqual({ verified: true, sequence: null })
  expect(exports.map(({ name }, index) => ({ name, ...second[index] }))).toEqual(exports.map(({ name }, index) => ({ name, ...first[index] })))
}

test('an export of Reeve is verified by the second verifier too, and of any file of it that was altered both say the same', { timeout }, async () => {
  const { files, vkey } = await exportInMemory(260)
  const random = randomFrom(20_261_121)
  const altered = Array.from({ length: 13 }, (_, number) => withOneAltered(files, number + 1, random))
  await expectOneAnswer([{ name: 'nothing', files }, ...altered], vkey)
})

test('so is a topic of Reeve of several logs that continues another, and of any altered file of either both say the same', { timeout }, async () => {
  const kafka = fakeKafka({ pollEntries: 10_000 })
  kafka.createTopic('audit-2026', 3)
  kafka.createTopic('audit-2027', 2)
  const before = auditTopicWorld(kafka, 'audit-2026', 3)
  const { place, signer } = before.worlds[0]!
  const after = auditTopicWorld(kafka, 'audit-2027', 2, signer)
  const log = await before.open()
  await log.offer(numbersOf(0, 20))
  await log.checkpoint()
  await log.offer(numbersOf(20, 40))
  await log.close()
  const [appender, reader] = [await kafka.openAppender(transactionalIdOf(place)), await kafka.openReader()]
  const parts = { place, appender, reader, topicId: 'AAAA', signers: [signer], anchors: [], circumstances: () => ({ powers: [], excluded: {}, silent: [] }) }
  const next = await after.open({ continues: () => endTopic({ ...parts, endingFor: 'audit-2027' }) })
  for (const count of [50, 60]) {
    await next.offer(numbersOf(0, count, next.head.sources))
    await next.checkpoint()
  }
  const [earlier, files] = [await exportTopic(reader, before), await exportTopic(reader, after)]
  await Promise.all([before.close(), after.close(), reader.close()])
  const random = randomFrom(20_261_122)
  const altered = Array.from({ length: 8 }, (_, number) => ({ ...withOneAltered(files, number * 2, random), earlier }))
  const alteredEarlier = Array.from({ length: 4 }, (_, number) => {
    const { name, files: changed } = withOneAltered(earlier, number * 3, random)
    return { name: `of the earlier one ${name}`, files, earlier: changed }
  })
  await expectOneAnswer([{ name: 'nothing', files, earlier }, { name: 'the earlier one', files: earlier }, ...altered, ...alteredEarlier], signer.vkey)
})

test('the second verifier says with its exit code whether all holds, and names the first bad sequence', { timeout }, async () => {
  const bad = cases.find(({ name }) => name === 'a flipped byte in an entry')!
  const options = ({ export: at, key }: Case) => ['--export', at, '--key', key]
  const anchored = cases.find(({ name }) => name === 'several logs of one topic beside their anchor')!
  const continuing = cases.find(({ name }) => name === 'a topic that goes on where another ended, which is not at hand')!
  const [held, alone, flipped, nowhere, garbage, unseen, old, ...recent] = await Promise.all([
    python('verify_audit.py', ...options(good), '--allow-unanchored', '--json'),
    python('verify_audit.py', ...options(good)),
    python('verify_audit.py', ...options(bad), '--allow-unanchored'),
    python('verify_audit.py', '--export', folder, '--key', good.key),
    python('verify_audit.py', '--export', good.export, '--key', 'no+key'),
    python('verify_audit.py', ...options(continuing), '--allow-unanchored'),
    python('verify_audit.py', ...options(anchored), '--anchor', anchored.anchors[0]!, '--anchored-within', '60'),
    python('verify_audit.py', ...options(anchored), '--anchor', anchored.anchors[0]!, '--anchored-within', `${100 * 365 * 86_400}`),
    python('verify_audit.py', ...options(good), '--allow-unanchored', '--anchored-within', '60')
  ])
  expect(held.code).toBe(0)
  expect(JSON.parse(held.out)).toMatchObject({ verified: true, selfAttested: true, logs: [{ size: 300, anchoredSize: 0 }] })
  expect(alone).toEqual({ code: 1, out: expect.stringContaining('SELF-ATTESTED') })
  expect(flipped).toEqual({ code: 1, out: expect.stringContaining('NOT VERIFIED, first bad sequence 120: ') })
  expect(unseen).toEqual({ code: 0, out: expect.stringMatching(/^not checked: that \S+audit\.platform-operations\.2025\/0' ended as this log says$/m) })
  expect(old).toEqual({ code: 1, out: expect.stringMatching(/^NOT VERIFIED: OLD: .* is of 2026-11-21T20:25:00\.000Z\n$/) })
  expect(recent).toEqual([
    { code: 0, out: expect.stringContaining('anchored up to 11 (0 behind, 2026-11-21T20:25:00.000Z)\n') },
    { code: 1, out: expect.stringMatching(/^NOT VERIFIED: OLD: .* there is none\n$/) }
  ])
  for (const { code, out } of [nowhere, garbage]) {
    expect(code).toBe(1)
    expect(out).toMatch(/^NOT VERIFIED: [^\n]+\n$/)
  }
})
