import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backedUp, type BackupHeader, BackupReader, type BackupRecord, BackupWriter } from './backup-file.ts'

const header: BackupHeader = { format: 'reeve-backup', version: 1, clusterId: 'c', prefix: 'reeve', takenAtMs: 1, topicIds: { state: 'i' } }
const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map(array => Buffer.from(array)))
const records = fc.array(fc.record({ topic: fc.constantFrom(...backedUp), key: bytes, value: bytes }))

function written(given: readonly BackupRecord[]): string[] {
  const lines: string[] = []
  const writer = new BackupWriter(header, text => lines.push(text.slice(0, -1)))
  for (const record of given) writer.add(record)
  writer.end()
  return lines
}

function read(lines: readonly string[]): BackupRecord[] {
  const reader = new BackupReader()
  const found = lines.flatMap(line => reader.line(line) ?? [])
  reader.end()
  expect(reader.records).toBe(found.length)
  return found
}

test('a backup is read as it was written, null and empty told apart', () => {
  fc.assert(
    fc.property(records, given => {
      expect(read(written(given))).toEqual(given)
    })
  )
})

test('a line that was changed, dropped, doubled or moved, and a file that was cut off, are refused', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ topic: fc.constant('journal' as const), key: bytes, value: bytes }), { minLength: 1 }),
      fc.nat(),
      fc.nat(4),
      (given, at, how) => {
        const lines = written(given)
        const index = at % lines.length
        const line = lines[index]!
        const spoiled = [
          () => lines.toSpliced(index, 1),
          () => lines.toSpliced(index, 0, line),
          () => lines.slice(0, index),
          () =>
            lines.with(
              index,
              line.replace(/[a-z0-9]/, found => (found === '0' ? '1' : '0'))
            ),
          () => [...lines, line]
        ][how]!()
        expect(() => read(spoiled)).toThrow(/backup/)
      }
    )
  )
})

test('any text is refused with the line and what was expected, and nothing else is thrown', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.json(), fc.constantFrom(...written([]))), { minLength: 1 }), lines => {
      try {
        read(lines)
      } catch (error) {
        expect((error as Error).message).toMatch(/^(line \d+ of the backup: expected |the backup ends after \d+ lines)/)
      }
    })
  )
  expect(() => read([JSON.stringify({ ...header, version: 2 })])).toThrow('line 1 of the backup: expected version 1, which this release reads; found 2')
})
