import { type Bytes, bytesOfBase64, hexOf, joined, sha256, utf8 } from './bytes.ts'

/** A verifier key as text, C2SP signed-note, and what is in it. */
export interface VerifierKey {
  readonly vkey: string
  readonly name: string
  readonly id: string
  readonly publicKey: Bytes
}

/** Which log, and its tree; `root` in base64. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: string
}

const linePrefix = '\u2014 '

function isKeyName(name: string): boolean {
  return /^[^\p{White_Space}\p{Cc}+]{1,1000}$/u.test(name) && name.isWellFormed()
}

/** Throws in one sentence. */
export async function readVerifierKey(vkey: string): Promise<VerifierKey> {
  const [name = '', id = '', ...rest] = vkey.split('+')
  // Base64 may hold a plus itself.
  const bytes = bytesOfBase64(rest.join('+'))
  if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(id) || !bytes) throw new Error('expected a verifier key such as example.com/log+530d903a+AekyeRrm…')
  if (bytes[0] !== 1 || bytes.length !== 33) throw new Error(`the verifier key of ${name} is not of the type Ed25519 (0x01, 32 bytes)`)
  const given = hexOf((await sha256(joined(utf8(`${name}\n`), bytes))).slice(0, 4))
  if (given !== id) throw new Error(`the verifier key of ${name} does not have the id ${id}: it was altered`)
  return { vkey, name, id, publicKey: bytes.slice(1) }
}

/** Ed25519, RFC 8032. */
export async function isSignedBy({ publicKey }: VerifierKey, message: Bytes, signature: Bytes): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify'])
  return crypto.subtle.verify({ name: 'Ed25519' }, key, signature, message)
}

/** Opens a note and reads the checkpoint in it: which of the known keys signed it. Throws in one sentence, and where no known key did. */
export async function openCheckpoint(note: string, known: readonly VerifierKey[]): Promise<Checkpoint & { readonly by: readonly VerifierKey[] }> {
  const { text, signatures } = splitNote(note)
  const message = utf8(text)
  const by: VerifierKey[] = []
  for (const { name, id, signature } of signatures) {
    const candidates = known.filter(key => key.name === name && key.id === id)
    if (candidates.length === 0) continue
    let right: VerifierKey | null = null
    for (const key of candidates) if (!right && (await isSignedBy(key, message, signature))) right = key
    if (!right) throw new Error(`the signature of ${name} (${id}) is wrong: the text or the signature was altered`)
    if (!by.includes(right)) by.push(right)
  }
  if (by.length === 0)
    throw new Error(
      `no known key signed this note; it bears ${signatures
        .map(({ name, id }) => `${name} (${id})`)
        .slice(0, 5)
        .join(', ')}`
    )
  return { ...readCheckpoint(text), by }
}

/** The checkpoint in a note whose signatures nobody has checked. Throws in one sentence. */
export function unverifiedCheckpoint(note: string): Checkpoint {
  return readCheckpoint(splitNote(note).text)
}

function readCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...rest] = text.split('\n')
  if (rest.length !== 1 || rest[0] !== '') throw new Error('a checkpoint has exactly three lines: origin, size and root')
  if (!isKeyName(origin)) throw new Error('the origin of a checkpoint is empty, or holds a space or a plus')
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size)))
    throw new Error(`the size of a checkpoint of ${origin} is no decimal number`)
  if (bytesOfBase64(root)?.length !== 32) throw new Error('expected a hash: 32 bytes in base64')
  return { origin, size: Number(size), root }
}

function splitNote(whole: string): { readonly text: string; readonly signatures: readonly { name: string; id: string; signature: Bytes }[] } {
  if (whole.length > 1_000_000) throw new Error('a note is at most 1000000 bytes long')
  if (/[^\n\P{Cc}\x7f-\x9f]/u.test(whole) || !whole.isWellFormed()) throw new Error('a note must be UTF-8 without control characters')
  // The text may hold empty lines itself: the last one ends it.
  const end = whole.lastIndexOf('\n\n')
  const below = whole.slice(end + 2)
  if (end < 0 || !below.endsWith('\n')) throw new Error('a note is a text, an empty line, and lines of signatures')
  const lines = below.slice(0, -1).split('\n')
  if (lines.length > 100) throw new Error('a note has at most 100 signatures')
  return { text: whole.slice(0, end + 1), signatures: lines.map(signatureIn) }
}

function signatureIn(line: string): { name: string; id: string; signature: Bytes } {
  const [name = '', base64 = '', ...more] = line.startsWith(linePrefix) ? line.slice(linePrefix.length).split(' ') : []
  const bytes = bytesOfBase64(base64)
  if (!isKeyName(name) || !bytes || bytes.length < 5 || more.length > 0) throw new Error('expected a line of a signature: "— <name> <base64>"')
  return { name, id: hexOf(bytes.slice(0, 4)), signature: bytes.slice(4) }
}
