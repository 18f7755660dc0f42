import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type ExportInMemory, exportInMemory, filesOf } from '#test/support/audit-export.ts'
import { newSigner } from '#test/support/audit-events.ts'
import { type Manifest, manifestFile, readManifest } from './layout.ts'
import { openExport, proveExport } from './prove-export.ts'

let small: ExportInMemory
let large: ExportInMemory
beforeAll(async () => {
  small = await exportInMemory(8)
  large = await exportInMemory(600)
})

type Files = Map<string, Buffer>
async function proof({ files, vkey }: ExportInMemory, change: (files: Files) => void = () => undefined) {
  const changed = new Map(files)
  change(changed)
  const manifest = openExport(filesOf(changed))
  if ('fault' in manifest) return { state: 'doubtful' as const, fault: { sequence: 0, reason: manifest.fault } }
  return (await proveExport(filesOf(changed), manifest, [vkey], []))[0]!
}

/** The export with one byte of one file changed. */
function flip(files: Files, path: string, position: number, difference = 1): void {
  const bytes = Buffer.from(files.get(path)!)
  bytes[position % bytes.length]! ^= difference
  files.set(path, bytes)
}

test('an export holds what its newest checkpoint covers, and says how much is behind', async () => {
  expect(large.log).toMatchObject({ size: 1 + 600 + 1 + 4, behind: 2, vkeys: [large.vkey, expect.any(String)] })
  expect(await proof(large)).toMatchObject({ state: 'unanchored', fault: null, checkpointed: large.log.size, checkpoints: 4 })
  expect(await proof(small)).toMatchObject({ state: 'unanchored', fault: null })
})

test('a byte of an entry that is another is found with its sequence', async () => {
  for (const sequence of [0, 5, 255, 256, 400, large.log.size - 1]) {
    const found = await proof(large, files => {
      const bundle = Math.floor(sequence / 256)
      const path = [...files.keys()].find(file => file.startsWith(`0/tile/entries/00${bundle}`))!
      const bytes = files.get(path)!
      let at = 0
      for (let index = 0; index < sequence % 256; index++) at += 2 + bytes.readUInt16BE(at)
      flip(files, path, at + 2 + 700)
    })
    expect(found).toMatchObject({ state: 'doubtful', fault: { sequence } })
  }
})

describe('in the files of an export', () => {
  test('any byte that is another is found, but for how many entries are behind', async () => {
    const paths = [...small.files.keys()]
    const pickedFile = fc.constantFrom(...paths.filter(path => path !== manifestFile))
    await fc.assert(
      fc.asyncProperty(pickedFile, fc.nat(), fc.integer({ min: 1, max: 255 }), async (path, position, difference) => {
        const found = await proof(small, files => flip(files, path, position, difference))
        // The newest trailer is bound by the next checkpoint alone, which is not here.
        const lastLine = small.files.get(path)!.subarray(0, -1).lastIndexOf('\n')
        if (path === '0/trailers' && position % small.files.get(path)!.length > lastLine) return
        expect(found).toMatchObject({ state: 'doubtful', fault: { sequence: expect.any(Number), reason: expect.any(String) } })
      }),
      { numRuns: 120 }
    )
  })

  test('any one that is missing, cut, longer, empty or of another place is found', async () => {
    for (const [path, bytes] of small.files) {
      const changes: [string, (files: Files) => void][] = [
        ['missing', files => files.delete(path)],
        ['cut', files => files.set(path, bytes.subarray(0, -1))],
        ['longer', files => files.set(path, Buffer.concat([bytes, Buffer.from('x')]))],
        ['empty', files => files.set(path, Buffer.alloc(0))],
        ['another', files => files.set(path, large.files.get(path) ?? large.files.get('0/checkpoint')!)]
      ]
      // What ends the manifest may be a space more or less.
      for (const [name, change] of changes.filter(([kind]) => path !== manifestFile || kind !== 'cut'))
        expect(await proof(small, change), `${path} ${name}`).toMatchObject({ state: 'doubtful' })
    }
  })

  test('a tile that belongs to no entry is found', async () => {
    expect(await proof(small, files => files.set('0/tile/0/007', Buffer.alloc(8_192)))).toMatchObject({
      fault: { reason: '0/tile/0/007 is no file of this log' }
    })
  })

  test('noise is never an export, and never an error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...small.files.keys()), fc.uint8Array({ maxLength: 300 }), async (path, noise) => {
        const found = await proof(small, files => files.set(path, Buffer.from(noise)))
        expect(found.state).toBe('doubtful')
      }),
      { numRuns: 60 }
    )
  })

  test('a manifest that points elsewhere is refused', () => {
    const good = JSON.parse(small.files.get(manifestFile)!.toString()) as { logs: object[] }
    const told = (change: object) => readManifest(Buffer.from(JSON.stringify({ ...good, logs: [{ ...good.logs[0], ...change }] })))
    expect(told({})).not.toHaveProperty('fault')
    expect(told({ path: '../0' })).toHaveProperty('fault')
    expect(told({ origin: 'a/b/c/0' })).toHaveProperty('fault')
    expect(told({ size: -1 })).toHaveProperty('fault')
  })
})

test('the first key must be known from outside, and no later one takes its place', async () => {
  const { files, log } = large
  const known = async (vkey: string) => (await proveExport(filesOf(files), openExport(filesOf(files)) as Manifest, [vkey], []))[0]!
  for (const vkey of [newSigner('reeve.audit/a-cluster').vkey, log.vkeys[1]!])
    expect(await known(vkey)).toMatchObject({ state: 'doubtful', fault: { sequence: 0, reason: expect.stringContaining('known from outside') } })
  expect(await known(log.vkeys[0]!)).toMatchObject({ state: 'unanchored', fault: null })
})
