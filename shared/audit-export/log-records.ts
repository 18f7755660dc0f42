import { readTrailer } from '../audit/trailer.ts'
import { bundlePath, tileWidth } from '../proof/tiles.ts'
import { type ExportedLog, type ExportFiles, paths, sizeName } from './layout.ts'

/** Far above what a record of a topic may have. */
const longestLineBytes = 64 * 1024 * 1024

/** A record as the topic had it. */
export interface ExportedRecord {
  readonly kind: 'event' | 'trailer' | 'note'
  readonly value: Uint8Array
}

/** A file of an export that is missing, or not what it should be. */
export class ExportFault extends Error {
  override readonly name = 'ExportFault'
  /** Of the first entry that it concerns. */
  readonly sequence: number

  constructor(sequence: number, message: string) {
    super(message)
    this.sequence = sequence
  }
}

/** The entries of an exported log, as far as its bundles can be read; throws ExportFault where the next one cannot. */
export function* entriesOf(files: ExportFiles, { path, size }: ExportedLog): Generator<Uint8Array> {
  for (let first = 0; first < size; first += tileWidth) {
    const width = Math.min(tileWidth, size - first)
    const file = `${path}/${bundlePath(first / tileWidth, width)}`
    const read = files.read(file)
    if (read === null) throw new ExportFault(first, `${file} is missing`)
    const bytes = Buffer.from(read.buffer, read.byteOffset, read.length)
    let at = 0
    for (let index = 0; index < width; index++) {
      const start = at + 2
      const end = start > bytes.length ? Infinity : start + bytes.readUInt16BE(at)
      if (end > bytes.length) throw new ExportFault(first + index, `${file}: the entry ${index} in it is cut off at byte ${at} of ${bytes.length}`)
      yield bytes.subarray(start, end)
      at = end
    }
    if (at < bytes.length) throw new ExportFault(first + width - 1, `${file}: ${bytes.length - at} bytes behind its last entry`)
  }
}

/** All records of an exported log: behind each entry the trailers, and behind them the checkpoint, that are about its end. Throws ExportFault. */
export function* recordsOf(files: ExportFiles, log: ExportedLog): Generator<ExportedRecord> {
  const { path, size } = log
  const trailers = trailersOf(files, log)
  let trailer = trailers.next()
  const notes = checkpointSizes(files, log)
  let sequence = 0
  for (const value of entriesOf(files, log)) {
    yield { kind: 'event', value }
    sequence++
    for (; !trailer.done && trailer.value.sequence <= sequence; trailer = trailers.next()) yield { kind: 'trailer', value: trailer.value.bytes }
    if (!notes.has(sequence)) continue
    const note = paths.checkpointOf(path, sequence)
    yield { kind: 'note', value: files.read(note) ?? missing(note, sequence - 1) }
  }
  if (!trailer.done) throw new ExportFault(Math.max(0, size - 1), `${paths.trailers(path)}: a trailer of ${trailer.value.sequence} entries, there are ${size}`)
}

/** The sizes of which there is a checkpoint. */
function checkpointSizes(files: ExportFiles, { path, size }: ExportedLog): ReadonlySet<number> {
  const folder = paths.checkpoints(path)
  const sizes = files.list(folder).map(file => {
    const found = /^\d{20}$/.test(file.slice(folder.length + 1)) ? Number(file.slice(folder.length + 1)) : null
    if (found === null || found === 0 || file !== `${folder}/${sizeName(found)}`) throw new ExportFault(0, `${file}: expected a size in 20 digits as its name`)
    if (found > size) throw new ExportFault(Math.max(0, size - 1), `${file}: the log has ${size} entries`)
    return found
  })
  return new Set(sizes)
}

/** One that cannot be read counts as the one that is due: whoever takes it finds what is wrong. */
function* trailersOf(files: ExportFiles, { path }: ExportedLog): Generator<{ readonly sequence: number; readonly bytes: Uint8Array }, undefined> {
  const file = paths.trailers(path)
  let sequence = 1
  for (const bytes of linesOf(files.chunks(file) ?? missing(file, 0), () => new ExportFault(sequence - 1, `${file}: its last line has no end`))) {
    const trailer = readTrailer(bytes)
    sequence = 'fault' in trailer ? sequence : trailer.sequence
    yield { sequence, bytes }
  }
}

function* linesOf(chunks: Iterable<Uint8Array>, cut: () => Error): Generator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0)
  for (const chunk of chunks) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    let at = 0
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, at)) {
      yield bytes.subarray(at, end)
      at = end + 1
    }
    rest = bytes.subarray(at)
    if (rest.length > longestLineBytes) throw cut()
  }
  if (rest.length > 0) throw cut()
}

function missing(file: string, sequence: number): never {
  throw new ExportFault(sequence, `${file} is missing`)
}
