import { readFile } from 'node:fs/promises'
import { inflateRawSync } from 'node:zlib'

const endOfDirectory = 0x06054b50
const deflated = 8

/** Texts of the entries of a jar whose path matches, by path. Zip without 64-bit sizes, as jars are (PKWARE APPNOTE 4.3). */
export async function textsInJar(file: string, matches: RegExp): Promise<Map<string, string>> {
  const bytes = await readFile(file)
  let end = bytes.length - 22
  while (end >= 0 && bytes.readUInt32LE(end) !== endOfDirectory) end--
  if (end < 0) throw new Error(`${file} is no jar: it has no directory at its end`)
  const texts = new Map<string, string>()
  let at = bytes.readUInt32LE(end + 16)
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = bytes.readUInt16LE(at + 28)
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength)
    if (matches.test(name)) texts.set(name, textOf(bytes, at))
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  }
  return texts
}

function textOf(bytes: Buffer, entry: number): string {
  const header = bytes.readUInt32LE(entry + 42)
  const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28)
  const content = bytes.subarray(start, start + bytes.readUInt32LE(entry + 20))
  return (bytes.readUInt16LE(entry + 10) === deflated ? inflateRawSync(content) : content).toString('utf8')
}
