import { execFile, execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { localFolder } from '#deploy/local/folders.ts'
import { signCheckpoint } from '#shared/proof/checkpoint.ts'
import { type Hash, hashToBase64, leafHash } from '#shared/proof/hash.ts'
import { formatSigner, parseSigner, parseVerifier } from '#shared/proof/note-key.ts'
import { openNote, signNote } from '#shared/proof/note.ts'
import { openTileWriter } from '#shared/proof/tile-writer.ts'
import { tileHashes } from '#shared/proof/tile-reader.ts'
import { consistencyProof, inclusionProof } from '#shared/proof/tree-proof.ts'
import { openTree } from '#shared/proof/tree.ts'

const source = join(import.meta.dirname, '../independent/go-proofs')
const folder = mkdtempSync(join(tmpdir(), 'reeve-proof-'))
const origin = 'audit.example.com/production'
const newSigner = (name = origin) => parseSigner(formatSigner(name, generateKeyPairSync('ed25519').privateKey))
const buildMs = 30_000
let missing: string | null = null

beforeAll(async () => {
  // From nothing it needs the network, and longer: then it is killed, and what it has built is there for the next run.
  await promisify(execFile)('go', ['build', '-o', join(folder, 'proofs'), '.'], { cwd: source, timeout: buildMs }).catch((error: unknown) => {
    const { code, stderr } = error as { code?: unknown; stderr?: string }
    missing = code === 'ENOENT' ? 'go is missing' : `go could not build the program: ${stderr?.trim().split('\n').at(-1) || `not within ${buildMs} ms`}`
  })
}, 2 * buildMs)
afterAll(() => {
  rmSync(folder, { recursive: true })
})

interface Answer {
  readonly Notes: readonly { readonly Text: string; readonly Names: readonly string[] | null; readonly Error: string }[] | null
  readonly Signed: string
  readonly Skey: string
  readonly Vkey: string
  readonly Roots: readonly string[] | null
  readonly Errors: readonly string[] | null
  readonly Paths: readonly (readonly string[])[] | null
}
const ask = (question: object) => JSON.parse(execFileSync(join(folder, 'proofs'), { input: JSON.stringify(question), encoding: 'utf8' })) as Answer

describe("Go's package for signed notes", () => {
  test('opens our checkpoints, with one signature and with two, and refuses what was altered', async context => {
    if (missing) context.skip(missing)
    const [first, second, stranger] = [newSigner(), newSigner(), newSigner('witness.example')]
    const root = leafHash(Buffer.from('a'))
    const checkpoint = await signCheckpoint({ origin, size: 12, root }, [stranger, first])
    const rotation = await signCheckpoint({ origin, size: 13, root }, [first, second])
    const odd = await signNote('é\n\n— not a signature\n', [second])
    const answer = ask({ Notes: [checkpoint, rotation, odd, checkpoint.replace('\n12\n', '\n13\n')], Vkeys: [first.vkey, second.vkey] })
    expect(answer.Notes!.map(({ Names, Error }) => Names?.length ?? Error)).toEqual([
      1,
      2,
      1,
      `invalid signature for key ${first.vkey.split('+').slice(0, 2).join('+')}`
    ])
    expect(answer.Notes!.slice(0, 3).map(({ Text }) => Text)).toEqual(
      [checkpoint, rotation, odd].map(
        note =>
          openNote(
            note,
            [first, second].map(({ vkey }) => parseVerifier(vkey))
          ).text
      )
    )
  })

  test('makes keys and notes that we read, and signs the same bytes', async context => {
    if (missing) context.skip(missing)
    const { Skey, Vkey } = ask({ NewKey: origin })
    const signer = parseSigner(Skey)
    expect(signer.vkey).toBe(Vkey)
    const Text = 'a\n\nb\n'
    const { Signed } = ask({ Skey, Text })
    expect(openNote(Signed, [parseVerifier(Vkey)]).text).toBe(Text)
    expect(await signNote(Text, [signer])).toBe(Signed)
  })
})

test("Go's package for transparent logs has the same roots and proofs, and holds ours", context => {
  if (missing) context.skip(missing)
  const entries = Array.from({ length: 40 }, (_, index) => `entry ${index}`)
  const writer = openTileWriter()
  const files = new Map<string, Uint8Array>()
  const roots: Hash[] = []
  for (const entry of entries) {
    for (const { path, bytes } of [...writer.append(Buffer.from(entry)), ...writer.partial()]) files.set(path, bytes)
    roots.push(writer.tree().root())
  }
  const at = (size: number) => tileHashes(path => files.get(path) ?? null, size)
  const proofs = [1, 2, 3, 7, 8, 9, 31, 32, 33, 40].flatMap(size => [
    ...[0, Math.floor(size / 2), size - 1].map(Index => ({ Index, Earlier: 0, Size: size, path: inclusionProof(Index, size, at(size)) })),
    ...[1, 2, 5, 8, 31, 32]
      .filter(earlier => earlier <= size)
      .map(Earlier => ({ Index: 0, Earlier, Size: size, path: consistencyProof(Earlier, size, at(size)) }))
  ])
  const Proofs = proofs.map(({ path, ...rest }) => ({
    ...rest,
    Path: path.map(hashToBase64),
    Leaf: hashToBase64(leafHash(Buffer.from(entries[rest.Index]!))),
    EarlierRoot: hashToBase64(roots[Math.max(0, rest.Earlier - 1)]!),
    Root: hashToBase64(roots[rest.Size - 1]!)
  }))
  const answer = ask({ Entries: entries, Proofs })
  expect(answer.Roots).toEqual(roots.map(hashToBase64))
  expect(answer.Errors).toEqual(Proofs.map(() => ''))
  expect(answer.Paths).toEqual(Proofs.map(({ Path }) => Path))
  const wrong = ask({ Entries: entries, Proofs: Proofs.map(proof => ({ ...proof, Root: hashToBase64(leafHash(Buffer.from('x'))) })) })
  expect(wrong.Errors).not.toContain('')
})

/** Of version 1.0.4: it exits with 0 on a failure too, and hangs on a wrong entry when it reads one at a time. */
describe("Tessera's fsck", () => {
  const program = join(localFolder, 'tessera', 'fsck')
  const signer = newSigner()

  async function check(size: number, alter: (files: Map<string, Uint8Array>) => void = () => undefined): Promise<string> {
    const writer = openTileWriter()
    const tree = openTree()
    const files = new Map<string, Uint8Array>()
    for (let index = 0; index < size; index++) {
      const entry = Buffer.from(`entry ${index}`)
      tree.append(leafHash(entry))
      for (const { path, bytes } of writer.append(entry)) files.set(path, bytes)
    }
    for (const { path, bytes } of writer.partial()) files.set(path, bytes)
    files.set('checkpoint', Buffer.from(await signCheckpoint({ origin, size, root: tree.root() }, [signer])))
    alter(files)
    const log = mkdtempSync(join(folder, 'log-'))
    for (const [path, bytes] of files) {
      mkdirSync(dirname(join(log, path)), { recursive: true })
      writeFileSync(join(log, path), bytes)
    }
    const key = join(log, 'vkey')
    writeFileSync(key, signer.vkey)
    const words = [`--storage_url=file://${log}/`, `--public_key=${key}`, '--N=8', '--ui=false']
    const ran = promisify(execFile)(program, words, { timeout: 10_000 })
    return ran.then(
      ({ stdout, stderr }) => stdout + stderr,
      (error: unknown) => (error as { stderr: string }).stderr
    )
  }

  test('derives the root again from our tiles and entries', async context => {
    if (!existsSync(program))
      context.skip(`Tessera's fsck is missing: GOBIN=$PWD/.local/tessera go install github.com/transparency-dev/tessera/cmd/fsck@v1.0.4`)
    for (const size of [1, 256, 600]) expect(await check(size), String(size)).toContain("Successfully fsck'd log")
  })

  test('finds an entry that was altered', async context => {
    if (!existsSync(program)) context.skip(`Tessera's fsck is missing`)
    const said = await check(600, files => files.set('tile/entries/001', Buffer.from(files.get('tile/entries/001')!).fill(1, 2, 3)))
    expect(said).not.toContain("Successfully fsck'd log")
    expect(said).toMatch(/mismatch|failed/i)
  })
})
