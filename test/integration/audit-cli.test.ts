import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { catalogue, streams } from '#agents/catalogue.ts'
import { localFolder } from '#deploy/local/folders.ts'
import { checkpointToAnchor } from '#shared/anchors/anchor.ts'
import { directoryAnchor } from '#shared/anchors/directory.ts'
import { rfc3161Anchor } from '#shared/anchors/rfc3161.ts'
import { createAuditTopic } from '#shared/audit-log/topic.ts'
import { main, program } from '#shared/cli/index.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { signCheckpoint } from '#shared/proof/checkpoint.ts'
import { leafHash } from '#shared/proof/hash.ts'
import { formatSigner, parseSigner, parseVerifier } from '#shared/proof/note-key.ts'
import { verifyProof } from '#shared/proof/tlog-proof.ts'
import { newSigner } from '../support/audit-events.ts'
import { exportOf, writeExport } from '../support/audit-export.ts'
import { type AuditLogWorld, auditLogWorld, batchOf } from '../support/audit-log-world.ts'
import { auditTopicWorld, numbersOf } from '../support/audit-topic-world.ts'
import { configuration } from '../support/reeve-process.ts'
import { stack, superUser, unique } from '../support/stack.ts'
import { startTimeStampAuthority, type TimeStampAuthority } from '../support/time-stamp-authority.ts'

const folder = mkdtempSync(join(tmpdir(), 'reeve-audit-cli-'))
const anchorFolder = mkdtempSync(join(folder, 'anchor-'))
const topic = unique('audit-cli')
const entries = 600
let kafka: Kafka
let world: AuditLogWorld
let config: string
let vkey: string
/** Null where openssl is missing. */
let authority: TimeStampAuthority | null

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs one command line in this process. */
async function reeve(...words: string[]): Promise<Said> {
  const said = { out: '', err: '' }
  const cli = {
    agents: catalogue,
    streams,
    env: { TEST_REDIS_URL: stack().redisUrl },
    out: (text: string) => void (said.out += `${text}\n`),
    err: (text: string) => void (said.err += `${text}\n`),
    width: undefined,
    signal: new AbortController().signal
  }
  const code = await main(cli, words, program(cli))
  return { code, ...said }
}

beforeAll(async () => {
  kafka = await openKafka(superUser())
  const { clusterId } = await kafka.admin.features()
  const skey = formatSigner(`reeve.audit/${clusterId}`, generateKeyPairSync('ed25519').privateKey)
  const signer = parseSigner(skey)
  vkey = signer.vkey
  await createAuditTopic(kafka.admin, topic, 1)
  world = auditLogWorld(kafka, topic, 0, signer, clusterId)
  const anchor = directoryAnchor({ name: 'elsewhere', outside: true, path: anchorFolder })
  try {
    authority = await startTimeStampAuthority([{ name: 'tsa' }])
  } catch {
    authority = null
  }
  const stamping = authority && rfc3161Anchor({ name: 'tsa', outside: true, url: authority.url, caFile: authority.caFile, timeoutMs: 5_000 })
  const log = await world.open({ anchors: [anchor, ...(stamping ? [stamping] : [])] })
  await log.offer(batchOf(0, 300))
  await log.checkpoint()
  await log.offer(batchOf(300, entries))
  await log.checkpoint()
  await log.close()
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, skey)
  config = join(folder, 'reeve.yaml')
  const policy = { topic, keys: [`\${file:${keyFile}}`], anchors: [{ name: 'elsewhere', directory: { path: anchorFolder } }] }
  writeFileSync(config, JSON.stringify(configuration(unique('audit-cli'), { agents: { 'audit-mirror': { policy } } })))
}, 30_000)
afterAll(async () => {
  await world.close()
  const { topics } = await kafka.admin.scan({ atMs: Date.now() })
  await kafka.admin.deleteTopicById(topics.get(topic)!.topicId)
  await kafka.close()
  await authority?.close()
  rmSync(folder, { recursive: true })
})

const verify = (...words: string[]) => reeve('-c', config, '--json', 'audit', 'verify', ...words)
const logOf = ({ out }: Said) =>
  (
    JSON.parse(out.split('\n')[0]!) as {
      logs: { state: string; size: number; anchored: number; stamps: object; fault: { sequence: number; reason: string } | null }[]
    }
  ).logs[0]!

test('the log is verified from its topic, by the keys and anchors of the configuration', async () => {
  const said = await verify()
  expect(said, said.err).toMatchObject({ code: 0 })
  expect(logOf(said)).toMatchObject({ state: 'proven', size: entries + 3, anchored: entries + 3, fault: null })
})

test('without an anchor outside it attests itself, which is a failure unless it was asked for', async () => {
  const nothing = mkdtempSync(join(folder, 'nothing-'))
  const said = await verify('--anchor', nothing)
  expect(said).toMatchObject({ code: 8, err: expect.stringContaining('SELF-ATTESTED') })
  expect(logOf(said)).toMatchObject({ state: 'unanchored' })
  expect(await verify('--anchor', nothing, '--allow-unanchored')).toMatchObject({ code: 0 })
  expect(await verify('--anchor', join(nothing, 'away'))).toMatchObject({ code: 8 })
})

test('how old the newest anchored checkpoint is, and what lies behind it, is said, and may be a doubt', async () => {
  const said = await reeve('-c', config, 'audit', 'verify', '--anchored-within', '1d')
  expect(said, said.err).toMatchObject({
    code: 0,
    out: expect.stringContaining('behind it    0 entries that no anchor vouches for; the anchored checkpoint is of')
  })
  expect(await verify('--anchored-within', '1ms')).toMatchObject({ code: 7, err: expect.stringContaining('was to be no older than 1ms') })
  const nothing = mkdtempSync(join(folder, 'nothing-'))
  expect(await verify('--anchor', nothing, '--allow-unanchored', '--anchored-within', '1d')).toMatchObject({
    code: 7,
    err: expect.stringContaining('is not there')
  })
})

test('a topic of three logs is verified, shown and exported whole, and an export without one of them fails', async () => {
  const several = unique('audit-cli-several')
  await createAuditTopic(kafka.admin, several, 3)
  const three = auditTopicWorld(kafka, several, 3, world.signer, world.place.clusterId)
  try {
    const log = await three.open()
    await log.offer(numbersOf(0, 12))
    await log.checkpoint()
    const whole = await verify('--topic', several, '--allow-unanchored')
    expect(whole, whole.err).toMatchObject({ code: 0 })
    const { logs } = JSON.parse(whole.out) as { logs: { origin: string; chains: number }[] }
    expect(logs.map(({ chains }) => chains)).toEqual([3, 3, 3])
    expect((await reeve('-c', config, 'audit', 'tail', '--topic', several)).out).toContain('#2/0  ')
    expect(await reeve('-c', config, 'audit', 'show', '--topic', several, '0')).toMatchObject({ code: 2, err: expect.stringContaining('such as 0/0') })
    expect((await reeve('-c', config, 'audit', 'show', '--topic', several, '2/0')).out).toContain(`${logs[2]!.origin}#0`)
    const at = join(folder, 'several')
    expect(await reeve('-c', config, 'audit', 'export', at, '--topic', several)).toMatchObject({ code: 0 })
    const offline = () => reeve('--json', 'audit', 'verify', '--export', at, '--key', vkey, '--allow-unanchored')
    expect(await offline()).toMatchObject({ code: 0 })
    const manifest = JSON.parse(readFileSync(join(at, 'manifest.json'), 'utf8')) as { logs: { partition: number }[] }
    rmSync(join(at, '1'), { recursive: true })
    writeFileSync(join(at, 'manifest.json'), JSON.stringify({ ...manifest, logs: manifest.logs.filter(({ partition }) => partition !== 1) }))
    expect(await offline()).toMatchObject({ code: 7, err: expect.stringContaining(`${logs[1]!.origin} is missing: the topic has 3 logs`) })
  } finally {
    await three.close()
    const { topics } = await kafka.admin.scan({ atMs: Date.now() })
    await kafka.admin.deleteTopicById(topics.get(several)!.topicId)
  }
})

test('a key that is not the one of the log is a doubt, and none a mistake', async () => {
  const other = newSigner(world.signer.name).vkey
  expect(await verify('--key', other)).toMatchObject({ code: 7, err: expect.stringContaining('known from outside') })
  expect(await verify('--key', 'nonsense')).toMatchObject({ code: 2 })
})

test('tail tells each event in a line, and finds by type and principal', async () => {
  const all = await reeve('-c', config, 'audit', 'tail')
  expect(all.out.trimEnd().split('\n')).toHaveLength(entries + 3)
  expect(all.out).toContain(
    '#1  User:app  access.denied topic payments.events.transaction.v1  from 10.0.0.1 (eu-central-1)  by Fetch  Failure TOPIC_AUTHORIZATION_FAILED'
  )
  const some = await reeve('-c', config, '--json', 'audit', 'tail', '--type', 'audit.*')
  expect(
    some.out
      .trimEnd()
      .split('\n')
      .map(line => (JSON.parse(line) as { eventType: string }).eventType)
  ).toEqual(['audit.began', 'audit.checkpoint', 'audit.checkpoint'])
  expect((await reeve('-c', config, 'audit', 'tail', '--who', 'User:nobody')).out).toBe('')
})

test('show finds an entry by its sequence or id, and proves it against the checkpoint that covers it', async () => {
  const said = await reeve('-c', config, '--json', 'audit', 'show', '450', '--proof')
  expect(said, said.err).toMatchObject({ code: 0 })
  const { entry, proof, checkpoint } = JSON.parse(said.out) as { entry: { eventId: string }; proof: string; checkpoint: { size: number } }
  expect(checkpoint.size).toBe(entries + 3)
  const bytes = (await world.records()).filter(({ key }) => key?.toString() === 'event')[450]!.value!
  expect(verifyProof(proof, bytes, world.origin, [parseVerifier(vkey)]).index).toBe(450)
  const text = await reeve('-c', config, 'audit', 'show', entry.eventId)
  expect(text.out).toContain(`${world.origin}#450`)
  expect(text.out).toContain(`covered by the one of ${entries + 3} entries`)
  expect(await reeve('-c', config, 'audit', 'show', '100000')).toMatchObject({ code: 5 })
})

test('keygen writes a key that only its owner may read, once, and prints the one that verifies', async () => {
  const file = join(folder, 'new-key')
  const said = await reeve('audit', 'keygen', '--name', 'reeve.audit/a', file)
  expect(said.out.trim()).toBe(parseSigner(readFileSync(file, 'utf8')).vkey)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(await reeve('audit', 'keygen', '--name', 'reeve.audit/a', file)).toMatchObject({ code: 1, err: expect.stringContaining('is there already') })
})

describe('an export', () => {
  const exported = join(folder, 'export')
  const html = join(folder, 'audit.html')
  const check = (from: string, anchor = anchorFolder) => reeve('--json', 'audit', 'verify', '--export', from, '--key', vkey, '--anchor', anchor)
  let written: Said
  let copies = 0
  const copy = (): string => {
    const to = join(folder, `copy-${copies++}`)
    cpSync(exported, to, { recursive: true })
    return to
  }
  beforeAll(async () => {
    written = await reeve('-c', config, 'audit', 'export', exported, '--html', html)
    if (written.code !== 0) throw new Error(written.err)
  })

  test('is written as one page too, and no page is written over', async () => {
    expect(written.out).toContain(`written: ${html}`)
    expect(readFileSync(html, 'utf8')).toContain(`"size":${entries + 3}`)
    expect(await reeve('-c', config, 'audit', 'export', join(folder, 'other'), '--html', html)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--force')
    })
  })

  test('is verified by its files, a key and a directory of checkpoints alone', async () => {
    const said = await check(exported)
    expect(said, said.err).toMatchObject({ code: 0 })
    expect(logOf(said)).toMatchObject({ state: 'proven', size: entries + 3 })
  })

  test('holds the time stamps of its checkpoints, which an authority that is trusted vouches for', async context => {
    if (!authority) context.skip('openssl is missing')
    const stamped = (from: string, ...words: string[]) => reeve('--json', 'audit', 'verify', '--export', from, '--key', vkey, '--allow-unanchored', ...words)
    const said = await stamped(exported, '--tsa-ca', authority!.caFile)
    expect(said, said.err).toMatchObject({ code: 0 })
    expect(logOf(said).stamps).toMatchObject({ found: 2, valid: 2, newest: { size: entries + 3 } })
    expect(logOf(await stamped(exported)).stamps).toEqual({ found: 2, valid: 0, newest: null })
    const exchanged = copy()
    const folderOfStamps = join(exchanged, '0/anchors/elsewhere')
    const [one, other] = readdirSync(folderOfStamps).filter(name => name.endsWith('.tst'))
    cpSync(join(folderOfStamps, one!), join(folderOfStamps, other!))
    expect(await stamped(exchanged, '--tsa-ca', authority!.caFile)).toMatchObject({ code: 7, err: expect.stringContaining('over other bytes') })
  })

  test('of which a byte was changed fails, and names the sequence', async () => {
    const altered = copy()
    const file = join(altered, '0/tile/entries/001')
    const bytes = readFileSync(file)
    bytes[bytes.indexOf('User:app')]! ^= 1
    writeFileSync(file, bytes)
    const said = await check(altered)
    expect(said).toMatchObject({ code: 7, err: expect.stringContaining('sequence 256: ') })
    expect(logOf(said)).toMatchObject({ state: 'doubtful', fault: { sequence: 256 } })
  })

  test('whose end was cut is right by itself, and the anchor finds it', async () => {
    const records = await world.records()
    const firstNote = records.findIndex(({ key }) => key?.toString() === 'note')
    const cut = join(folder, 'cut')
    writeExport(exportOf(world.place, records.slice(0, firstNote + 1)).files, cut)
    expect(await check(cut)).toMatchObject({ code: 7, err: expect.stringContaining('sequence 302: CUT: ') })
    expect(await reeve('audit', 'verify', '--export', cut, '--key', vkey, '--allow-unanchored')).toMatchObject({ code: 0 })
    const upTo = await reeve('audit', 'verify', '--export', cut, '--key', vkey, '--anchor', anchorFolder, '--up-to', '302')
    expect(upTo, upTo.err).toMatchObject({ code: 0 })
  })

  test('of another history that the same key signed is found to be a fork', async () => {
    const elsewhere = mkdtempSync(join(folder, 'fork-'))
    const anchor = directoryAnchor({ name: 'fork', outside: true, path: elsewhere })
    const root = leafHash(Buffer.from('another'))
    await anchor.put(checkpointToAnchor(await signCheckpoint({ origin: world.origin, size: 302, root }, [world.signer])))
    expect(await check(exported, elsewhere)).toMatchObject({ code: 7, err: expect.stringContaining('FORKED: ') })
  })

  test('replaces another with --force alone, and never what is no export', async () => {
    const again = copy()
    expect(await reeve('-c', config, 'audit', 'export', again)).toMatchObject({ code: 2, err: expect.stringContaining('--force') })
    mkdirSync(`${again}.partial`)
    writeFileSync(`${again}.partial/unfinished`, '')
    expect(await reeve('-c', config, 'audit', 'export', again, '--force')).toMatchObject({ code: 0 })
    expect(existsSync(`${again}.partial`)).toBe(false)
    expect(await check(again)).toMatchObject({ code: 0 })
    expect(await reeve('-c', config, 'audit', 'export', anchorFolder, '--force')).toMatchObject({ code: 2, err: expect.stringContaining('no export') })
  })

  test("holds what Tessera's fsck derives again", async context => {
    const fsck = join(localFolder, 'tessera', 'fsck')
    if (!existsSync(fsck)) context.skip(`Tessera's fsck is missing`)
    const key = join(folder, 'vkey')
    writeFileSync(key, vkey)
    // The origin is not the name of the key here.
    const words = [`--storage_url=file://${exported}/0/`, `--public_key=${key}`, `--origin=${world.origin}`, '--N=8', '--ui=false']
    const { stdout, stderr } = await promisify(execFile)(fsck, words, { timeout: 10_000 }).catch(
      (error: unknown) => error as { stdout: string; stderr: string }
    )
    expect(stdout + stderr).toContain("Successfully fsck'd log")
  })
})
