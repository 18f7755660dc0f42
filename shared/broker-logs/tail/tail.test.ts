import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
  closeSync
} from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { coordinateText, type LogEntry } from '../entry.ts'
import { Tail, type TailBatch, type TailOptions } from './tail.ts'
import { EventCutter } from './event-cutter.ts'
import type { TailNotice, TailPosition } from './position.ts'

let folder: string
let path: string
const tails: Tail[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reeve-tail-'))
  path = join(folder, 'authorizer.log')
})
afterEach(async () => {
  await Promise.all(tails.splice(0).map(tail => tail.close()))
  rmSync(folder, { recursive: true })
})

function open(options: Partial<TailOptions> = {}): Tail {
  const tail = new Tail({
    host: 'broker-1',
    path,
    begins: line => line.startsWith('['),
    whole: text => text.endsWith(')'),
    settleMs: 0,
    lookAgainMs: 30,
    ...options
  })
  tails.push(tail)
  return tail
}

interface Found {
  readonly texts: string[]
  readonly notices: TailNotice[]
  readonly position: TailPosition
  readonly last: TailBatch
}

/** Polls until nothing more is there; with counts, until so many events and notices came, for what is new is looked at twice. */
async function drain(tail: Tail, counts: { texts?: number; notices?: number } = {}): Promise<Found> {
  const untilMs = Date.now() + 5_000
  const texts: string[] = []
  const notices: TailNotice[] = []
  for (;;) {
    const batch = await tail.poll()
    texts.push(...batch.entries.map(({ text }) => text))
    notices.push(...batch.notices)
    const enough = texts.length >= (counts.texts ?? 0) && notices.length >= (counts.notices ?? 0)
    if (!batch.more && (enough || Date.now() > untilMs)) return { texts, notices, position: batch.position, last: batch }
    if (!batch.more) await passes()
  }
}

const line = (number: number | string): string => `[${number}] event (logger)`
const lines = (from: number, to: number): string => Array.from({ length: to - from }, (_, index) => `${line(from + index)}\n`).join('')
const expected = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => line(from + index))
const kinds = (found: Found): string[] => found.notices.map(({ kind }) => kind)

test('reads what is appended, holds a half line back, and says where each event stands', async () => {
  const tail = open()
  expect(await drain(tail)).toMatchObject({ texts: [], notices: [], last: { live: null } })
  writeFileSync(path, `${line(0)}\n[1] ev`)
  const first = await drain(tail)
  expect(first.texts).toEqual([line(0)])
  expect(first.last.heldBytes).toBe(6)
  appendFileSync(path, 'ent (logger)\n')
  const { entries } = await tail.poll()
  expect(entries).toHaveLength(1)
  expect(entries[0]).toMatchObject({ text: line(1), lengthBytes: 18, sha256: hash('sha256', line(1), 'hex'), flaws: [] })
  const fileId = hash('sha256', `${line(0)}\n`, 'hex').slice(0, 16)
  expect(coordinateText(entries[0]!.coordinate)).toBe(`broker-1:${path}#${fileId}.0:19-38`)
})

test('goes on from any position with each event once, also where an event has several physical lines', async () => {
  const events = [line(0), '[1] first\nsecond\n\nlast (logger)', line(2), '[3] open\nand more', line(4), 'orphan', line(5)]
  writeFileSync(path, events.map(event => `${event}\n`).join(''))
  const whole = await drain(open())
  expect(whole.texts).toEqual(events)
  for (const step of [1, 20]) {
    const found: string[] = []
    let position: TailPosition | null = null
    for (let round = 0; round < 160; round++) {
      const tail: Tail = open({ position })
      const batch: TailBatch = await tail.poll({ maxBytes: step + (round % 60) })
      found.push(...batch.entries.map(({ text }) => text))
      expect(batch.notices).toEqual([])
      position = JSON.parse(JSON.stringify(batch.position)) as TailPosition
      await tail.close()
    }
    expect(found).toEqual(events)
    expect(position).toEqual(whole.position)
  }
})

test('a rename is followed to the end of the old file, then the new one is read', async () => {
  const tail = open()
  writeFileSync(path, lines(0, 3))
  await drain(tail)
  appendFileSync(path, lines(3, 5))
  const writer = openSync(path, 'a')
  renameSync(path, `${path}.2026-11-21-20`)
  writeFileSync(path, lines(6, 7))
  const found = await drain(tail, { texts: 3 })
  expect(found.texts).toEqual([...expected(3, 5), line(6)])
  expect(found.notices).toMatchObject([{ kind: 'rotated', to: 'authorizer.log.2026-11-21-20', readTo: 57, unreadBytes: 38 }])
  // A writer that has not yet heard of the rename.
  writeSync(writer, lines(5, 6))
  closeSync(writer)
  expect((await drain(tail)).texts).toEqual([line(5)])
})

test('a copy that is emptied behind itself is read to its end in the copy', async () => {
  const tail = open()
  writeFileSync(path, lines(0, 3))
  await drain(tail)
  appendFileSync(path, lines(3, 5))
  copyFileSync(path, `${path}.1`)
  truncateSync(path)
  appendFileSync(path, lines(5, 6))
  const found = await drain(tail, { texts: 3 })
  expect(found.texts).toEqual(expected(3, 6))
  expect(found.notices).toMatchObject([{ kind: 'rotated', to: 'authorizer.log.1', readTo: 57 }])
})

test('a copy that is not whole yet is waited for', async () => {
  const tail = open()
  writeFileSync(path, lines(0, 3))
  await drain(tail)
  appendFileSync(path, lines(3, 5))
  writeFileSync(`${path}.1`, lines(0, 2))
  truncateSync(path)
  expect(await tail.poll()).toMatchObject({ entries: [], notices: [], more: false })
  appendFileSync(`${path}.1`, lines(2, 5))
  const found = await drain(tail, { texts: 2 })
  expect(found.texts).toEqual(expected(3, 5))
  expect(found.notices).toMatchObject([{ kind: 'rotated', to: 'authorizer.log.1', readTo: 57 }])
})

test('a rotated file whose end was cut off is said so', async () => {
  const tail = open()
  writeFileSync(path, lines(0, 3))
  await drain(tail)
  renameSync(path, `${path}.1`)
  writeFileSync(path, lines(5, 6))
  await drain(tail, { texts: 1 })
  truncateSync(`${path}.1`, 38)
  const found = await drain(tail, { notices: 1 })
  expect(found.notices).toMatchObject([{ kind: 'truncated', readTo: 57, sizeBytes: 38 }])
  expect(found.texts).toEqual([])
})

test('rotations while nobody looked are found, in order, and only what was not read is read', async () => {
  writeFileSync(`${path}.old`, 'from before the first start\n')
  writeFileSync(path, lines(0, 3))
  const first = open()
  const { position, texts } = await drain(first)
  expect(texts).toEqual(expected(0, 3))
  await first.close()
  await passes()
  appendFileSync(path, lines(3, 4))
  renameSync(path, `${path}.1`)
  await passes()
  writeFileSync(path, lines(4, 6))
  renameSync(path, `${path}.9`)
  await passes()
  writeFileSync(path, lines(6, 7))
  renameSync(path, `${path}.8`)
  await passes()
  writeFileSync(path, lines(7, 8))
  const found = await drain(open({ position }), { texts: 5 })
  expect(found.texts).toEqual(expected(3, 8))
  expect(found.notices).toMatchObject([
    { kind: 'rotated', to: 'authorizer.log.1' },
    { kind: 'found', name: 'authorizer.log.9', sizeBytes: 38 },
    { kind: 'found', name: 'authorizer.log.8' }
  ])
})

test('a file that is emptied without a copy is a loss that nobody can count, and is said', async () => {
  const tail = open()
  writeFileSync(path, lines(0, 3))
  await drain(tail)
  truncateSync(path)
  appendFileSync(path, lines(7, 12))
  const found = await drain(tail, { notices: 1 })
  expect(found.texts).toEqual(expected(7, 12))
  expect(found.notices).toEqual([{ kind: 'truncated', fileId: expect.any(String), readTo: 57, sizeBytes: 97, unreadBytes: null }])
})

test('an end that was cut off is said, and what comes behind has coordinates of its own', async () => {
  const tail = open()
  writeFileSync(path, lines(0, 3))
  const before = await drain(tail)
  truncateSync(path, 38)
  appendFileSync(path, '')
  const cut = await drain(tail)
  expect(cut.notices).toMatchObject([{ kind: 'truncated', readTo: 57, sizeBytes: 38, unreadBytes: null }])
  appendFileSync(path, lines(3, 4))
  const { entries } = await tail.poll()
  expect(entries.map(({ text }) => text)).toEqual([line(3)])
  expect(entries[0]!.coordinate).toMatchObject({ generation: 1, from: 38, to: 57 })
  expect(before.position.files[0]!.generation).toBe(0)
})

test('a byte that was read and is another now is found, while running and after a restart', async () => {
  const tail = open()
  writeFileSync(path, lines(0, 3))
  const { position } = await drain(tail)
  overwrite(25, 'X')
  appendFileSync(path, lines(3, 4))
  const found = await drain(tail)
  expect(found.texts).toEqual([line(3)])
  expect(found.notices).toMatchObject([{ kind: 'rewritten', from: 0, to: 57 }])
  const again = await drain(open({ position }))
  expect(again.notices).toMatchObject([{ kind: 'rewritten', from: 0, to: 57 }])
  expect(again.texts).toEqual([line(3)])
})

test('a byte in the middle of a long file is found within as many changes as the file has chunks, and at once after a restart or a rotation', async () => {
  const body = lines(100_000, 116_000)
  writeFileSync(path, body)
  const running = open()
  const { position } = await drain(running)
  overwrite(200_001, 'X')
  const chunks = Math.floor(body.length / 65_536)
  let seen: TailNotice[] = []
  for (let change = 0; change < chunks && seen.length === 0; change++) {
    appendFileSync(path, `${line(change)}\n`)
    seen = (await drain(running)).notices
  }
  expect(seen).toMatchObject([{ kind: 'rewritten', from: 196_608, to: 262_144 }])
  expect(kinds(await drain(open({ position })))).toEqual(['rewritten'])

  overwrite(300_001, 'X')
  overwrite(70_000, 'X')
  renameSync(path, `${path}.1`)
  writeFileSync(path, `${line('new')}\n`)
  const rotated = await drain(running, { texts: 1 })
  expect(rotated.notices).toMatchObject([{ kind: 'rotated' }, { kind: 'rewritten', from: 65_536, to: 327_680 }])
  expect(rotated.texts).toEqual([line('new')])
})

test('a deleted file is read to its end as long as it is open, and is said to be gone', async () => {
  const tail = open()
  writeFileSync(path, lines(0, 3))
  const { position } = await drain(tail)
  appendFileSync(path, `${lines(3, 4)}[4] half`)
  rmSync(path)
  const found = await drain(tail, { notices: 1 })
  expect(found.texts).toEqual([line(3), '[4] half'])
  expect(found.notices).toMatchObject([{ kind: 'gone', readTo: 84, unreadBytes: 0 }])
  expect(found.position.files).toEqual([])
  writeFileSync(path, lines(8, 9))
  const restarted = await drain(open({ position }), { notices: 1, texts: 1 })
  // The inode of a deleted file may be given to the next one, and then it looks like one that was emptied.
  expect(restarted.notices).toMatchObject([{ kind: expect.stringMatching(/^(?:gone|truncated)$/), readTo: 57, unreadBytes: null }])
  expect(restarted.texts).toEqual([line(8)])
})

test('a file that is missed for a moment is gone on with when it is back, with its proof', async () => {
  writeFileSync(path, lines(0, 3))
  const { position } = await drain(open())
  renameSync(path, join(folder, 'elsewhere'))
  const missed = await open({ position, lookAgainMs: 60_000 }).poll()
  expect(missed).toMatchObject({ entries: [], notices: [], position })
  renameSync(join(folder, 'elsewhere'), path)
  appendFileSync(path, lines(3, 4))
  expect(await drain(open({ position: missed.position }))).toMatchObject({ texts: [line(3)], notices: [] })
})

test('a file that is gone and comes back, live, rotated or as a copy of what was emptied, is gone on with, also after a restart', async () => {
  const elsewhere = join(folder, 'elsewhere')
  for (const [back, name] of [
    ['live', path],
    ['rotated', `${path}.1`]
  ] as const) {
    const tail = open()
    writeFileSync(path, lines(0, 3))
    await drain(tail, { texts: 3 })
    renameSync(path, elsewhere)
    const { position, notices } = await drain(tail, { notices: 1 })
    expect(notices).toMatchObject([{ kind: 'gone', readTo: 57 }])
    appendFileSync(elsewhere, lines(3, 4))
    renameSync(elsewhere, name)
    for (const each of [tail, open({ position: JSON.parse(JSON.stringify(position)) as TailPosition })]) {
      const found = await drain(each, { texts: 1 })
      expect([back, found.texts, found.position.gone]).toEqual([back, [line(3)], undefined])
    }
    rmSync(name)
  }
  const tail = open()
  writeFileSync(path, lines(0, 3))
  await drain(tail, { texts: 3 })
  copyFileSync(path, elsewhere)
  truncateSync(path)
  appendFileSync(path, lines(7, 8))
  expect(kinds(await drain(tail, { notices: 1, texts: 1 }))).toEqual(['truncated'])
  appendFileSync(elsewhere, lines(3, 4))
  renameSync(elsewhere, `${path}.1`)
  expect((await drain(tail, { texts: 1 })).texts).toEqual([line(3)])
})

test('a half line at the end of a rotated file is handed out as such once the next file is there', async () => {
  const tail = open()
  writeFileSync(path, `${lines(0, 1)}[1] half`)
  await drain(tail)
  renameSync(path, `${path}.1`)
  expect((await drain(tail)).texts).toEqual([])
  writeFileSync(path, lines(2, 3))
  await passes()
  const found: LogEntry[] = []
  while (found.length < 2) found.push(...(await tail.poll()).entries)
  expect(found).toMatchObject([{ text: '[1] half', flaws: ['unterminated'] }, { text: line(2) }])
  const { position } = await tail.poll()
  appendFileSync(`${path}.1`, ' and its rest (logger)\n')
  expect((await open({ position }).poll()).entries).toMatchObject([{ text: ' and its rest (logger)', flaws: ['mid-line'] }])
  expect((await tail.poll()).entries).toMatchObject([{ text: ' and its rest (logger)', flaws: ['mid-line'] }])
})

test('a line beyond the bound is cut with its length and hash, and bytes that are no text are replaced and said', async () => {
  const tail = open({ maxEntryBytes: 100_000 })
  const long = `[1] ${'x'.repeat(1_000_000)}`
  writeFileSync(path, Buffer.concat([Buffer.from(`${line(0)}\n${long}\n`), Buffer.from([0x5b, 0xff, 0xc0, 0x29, 0x0a]), Buffer.from(`${line(2)}\n`)]))
  const entries = []
  for (let more = true; more;) {
    const batch = await tail.poll({ maxBytes: 70_000 })
    entries.push(...batch.entries)
    more = batch.more
  }
  expect(entries.map(({ flaws, lengthBytes, sha256 }) => ({ flaws, lengthBytes, sha256 }))).toEqual([
    { flaws: [], lengthBytes: 18, sha256: hash('sha256', line(0), 'hex') },
    { flaws: ['cut'], lengthBytes: long.length, sha256: hash('sha256', long, 'hex') },
    { flaws: ['invalid-utf8'], lengthBytes: 4, sha256: hash('sha256', Buffer.from([0x5b, 0xff, 0xc0, 0x29]), 'hex') },
    { flaws: [], lengthBytes: 18, sha256: hash('sha256', line(2), 'hex') }
  ])
  expect(entries[1]!.text).toBe(long.slice(0, 16_384))
  expect(entries[2]!.text).toBe('[\ufffd\ufffd)')
})

test('an open event before a line beyond the bound is handed out, whether that line ends or not', () => {
  for (const end of ['', '\n']) {
    const cutter = new EventCutter({ begins: text => text.startsWith('['), whole: () => false, maxBytes: 50 }, 0, false)
    const events = [...cutter.push(Buffer.from(`[0] open\n[1] ${'x'.repeat(100)}${end}`)), ...cutter.finish()]
    expect(events.map(({ from, to, flaws }) => ({ from, to, flaws }))).toEqual([
      { from: 0, to: 9, flaws: [] },
      { from: 9, to: 113 + end.length, flaws: end === '' ? ['cut', 'unterminated'] : ['cut'] }
    ])
  }
})

test('the position stays small over many rotations, and none is read twice', async () => {
  const tail = open()
  const texts: string[] = []
  for (let number = 0; number < 8; number++) {
    writeFileSync(path, lines(number, number + 1))
    const found = await drain(tail, { texts: 1 })
    texts.push(...found.texts)
    expect(JSON.stringify(found.position).length).toBeLessThan(2_000)
    await passes()
    renameSync(path, `${path}.${String(number).padStart(3, '0')}`)
  }
  const { position, texts: last } = await drain(tail)
  expect([...texts, ...last]).toEqual(expected(0, 8))
  expect((await drain(open({ position }))).texts).toEqual([])
})

/** As gzip does: the compressed file has the time of the other, which goes when it is whole. */
function gzip(file: string): void {
  const { atime, mtime } = statSync(file)
  writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)))
  utimesSync(`${file}.gz`, atime, mtime)
  rmSync(file)
}

describe('rotated files that gzip compressed', () => {
  test('are read on to their end, while running and after a restart, with the places that they had', async () => {
    const tail = open()
    writeFileSync(path, lines(0, 3))
    const { position } = await drain(tail)
    appendFileSync(path, lines(3, 5))
    renameSync(path, `${path}.1`)
    gzip(`${path}.1`)
    writeFileSync(path, lines(5, 6))
    for (const each of [tail, open({ position: JSON.parse(JSON.stringify(position)) as TailPosition })]) {
      const entries: LogEntry[] = []
      const notices: TailNotice[] = []
      while (entries.length < 3) {
        const batch = await each.poll()
        entries.push(...batch.entries)
        notices.push(...batch.notices)
      }
      expect(entries.map(({ text }) => text)).toEqual(expected(3, 6))
      expect(entries[0]!.coordinate).toMatchObject({ from: 57, to: 76, generation: 0, fileId: position.files[0]!.fileId })
      expect(notices).toMatchObject([{ kind: 'rotated', to: 'authorizer.log.1.gz', readTo: 57, unreadBytes: 38 }])
    }
  })

  test('are found where they were rotated and compressed while nobody looked, and none from before the first start', async () => {
    writeFileSync(`${path}.0`, lines(90, 95))
    gzip(`${path}.0`)
    writeFileSync(path, lines(0, 3))
    const { position } = await drain(open())
    await passes()
    for (const [index, name] of ['2026-11-20', '2026-11-21', '2026-11-22'].entries()) {
      if (index > 0) writeFileSync(path, lines(2 + index, 3 + index))
      renameSync(path, `${path}.${name}`)
      gzip(`${path}.${name}`)
      await passes()
    }
    writeFileSync(path, lines(5, 6))
    const found = await drain(open({ position }), { texts: 3 })
    expect(found.texts).toEqual(expected(3, 6))
    expect(kinds(found)).toEqual(['rotated', 'found', 'found'])
    expect((await drain(open({ position: found.position }))).texts).toEqual([])
  })

  test('are gone, and said so, where nothing tells that they are the one that was read', async () => {
    writeFileSync(path, lines(0, 3))
    const { position } = await drain(open())
    appendFileSync(path, lines(3, 5))
    renameSync(path, `${path}.1`)
    gzip(`${path}.1`)
    const whole = readFileSync(`${path}.1.gz`)
    writeFileSync(path, lines(5, 6))
    // Cut off, damaged, another one.
    for (const bytes of [whole.subarray(0, -9), Buffer.concat([whole.subarray(0, 30), Buffer.alloc(whole.length - 30, 7)]), Buffer.from('no gzip')]) {
      writeFileSync(`${path}.1.gz`, bytes)
      const found = await drain(open({ position }), { texts: 1, notices: 1 })
      expect(found.texts).toEqual([line(5)])
      expect(found.notices).toMatchObject([{ kind: 'gone', readTo: 57, unreadBytes: null }])
    }
    writeFileSync(`${path}.1.gz`, gzipSync(gunzipSync(whole).fill('X', 25, 26)))
    const other = await drain(open({ position }), { texts: 3 })
    expect(other.notices).toMatchObject([{ kind: 'rotated' }, { kind: 'rewritten', from: 0, to: 57 }])
    expect(other.texts).toEqual(expected(3, 6))
    writeFileSync(`${path}.1.gz`, gzipSync(lines(0, 2)))
    expect((await drain(open({ position }), { notices: 2 })).notices).toMatchObject([{ kind: 'rotated' }, { kind: 'truncated', readTo: 57, sizeBytes: 38 }])
  })

  test('are looked at whole when they take the place of the other', async () => {
    const body = lines(100_000, 116_000)
    const tail = open()
    writeFileSync(path, body)
    await drain(tail)
    renameSync(path, `${path}.1`)
    await drain(tail, { notices: 1 })
    writeFileSync(`${path}.1.gz`, gzipSync(Buffer.from(body).fill('X', 200_001, 200_002).fill('X', 70_000, 70_001)))
    rmSync(`${path}.1`)
    expect((await drain(tail, { notices: 1 })).notices).toMatchObject([{ kind: 'rewritten', from: 65_536, to: 262_144 }])
  })

  test('are not read before they are whole: until then the other is there', async () => {
    const tail = open()
    writeFileSync(path, lines(0, 3))
    await drain(tail)
    appendFileSync(path, lines(3, 5))
    renameSync(path, `${path}.1`)
    const whole = gzipSync(readFileSync(`${path}.1`))
    const texts: string[] = []
    for (const length of [5, 15, 25, whole.length]) {
      writeFileSync(`${path}.1.gz`, whole.subarray(0, length))
      texts.push(...(await drain(tail)).texts)
    }
    rmSync(`${path}.1`)
    const found = await drain(tail)
    await passes()
    expect([...texts, ...found.texts, ...(await drain(tail)).texts]).toEqual(expected(3, 5))
    expect(found.notices).toEqual([])
    expect(found.position.files).toHaveLength(1)
  })

  test('are waited for while they are being written, where the other went before', async () => {
    const tail = open({ settleMs: 60_000 })
    writeFileSync(path, lines(0, 3))
    await drain(tail)
    appendFileSync(path, lines(3, 5))
    await drain(tail)
    const whole = gzipSync(lines(0, 7))
    // More was appended behind the last look.
    rmSync(path)
    for (const length of [whole.length - 12, whole.length - 9]) {
      writeFileSync(`${path}.1.gz`, whole.subarray(0, length))
      for (let look = 0; look < 6; look++) {
        expect(await tail.poll()).toMatchObject({ notices: [], entries: [] })
        await passes()
      }
    }
    writeFileSync(`${path}.1.gz`, whole)
    const found = await drain(tail, { texts: 2 })
    expect(found.texts).toEqual(expected(5, 7))
    expect(kinds(found)).toEqual(['rotated'])
  })

  test('of several members are read as one', async () => {
    writeFileSync(path, lines(0, 1))
    const { position } = await drain(open())
    renameSync(path, `${path}.1`)
    writeFileSync(`${path}.1.gz`, Buffer.concat([gzipSync(`${lines(0, 2)}[2] ev`), gzipSync(`ent (logger)\n${lines(3, 4)}`)]))
    rmSync(`${path}.1`)
    expect((await drain(open({ position }), { texts: 3 })).texts).toEqual(expected(1, 4))
  })

  test('of which a position of an earlier release says nothing are taken as done', async () => {
    writeFileSync(path, lines(0, 3))
    const { position } = await drain(open())
    await passes()
    writeFileSync(`${path}.7.gz`, gzipSync(lines(7, 8)))
    appendFileSync(path, lines(3, 4))
    expect((await drain(open({ position: { ...position, version: 1 } }))).texts).toEqual([line(3)])
    expect((await drain(open({ position }), { texts: 2 })).texts).toEqual([line(3), line(7)].toSorted())
  })
})

test('a folder that is not there is an error that names it, and no silence', async () => {
  await expect(open({ path: join(folder, 'none', 'authorizer.log') }).poll()).rejects.toThrow(`${folder}/none, the folder of a log, cannot be read: ENOENT`)
})

test('a change in the folder ends the waiting', async () => {
  const tail = open()
  await tail.poll()
  const waiting = tail.waitForChange(20_000)
  writeFileSync(path, lines(0, 1))
  await waiting
  expect((await drain(tail, { texts: 1 })).texts).toEqual([line(0)])
})

function overwrite(at: number, text: string): void {
  const file = openSync(path, 'r+')
  writeSync(file, text, at)
  closeSync(file)
}

/** Time enough for two files to differ in theirs. */
function passes(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 12))
}
