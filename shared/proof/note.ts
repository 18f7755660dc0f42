import { strictBase64 } from './hash.ts'
import { isKeyName, parseVerifier, type Signer, type Verifier } from './note-key.ts'
import { ProofError } from './proof-error.ts'

/** One line under a note. */
interface NoteSignature {
  readonly name: string
  readonly id: number
  readonly signature: Uint8Array
}

/** A note whose text was signed by at least one known key. */
export interface OpenedNote {
  /** Ends with a newline. */
  readonly text: string
  /** The known keys that signed it, each once. */
  readonly by: readonly Verifier[]
}

const linePrefix = '\u2014 '
const mostSignatures = 100
const largestBytes = 1_000_000

/**
 * Signs a text (C2SP signed-note): the text, an empty line, and for each key a line `— <name> <base64 of id and signature>`. Throws
 * ProofError where the text is none that can be signed.
 */
export async function signNote(text: string, signers: readonly Signer[]): Promise<string> {
  if (!text.endsWith('\n') || !isNoteText(text)) throw new ProofError('a note must end with a newline, and hold no other control character')
  if (signers.length === 0) throw new ProofError('a note needs a signature')
  const message = Buffer.from(text)
  const lines: string[] = []
  for (const signer of signers) {
    const { name, id, verify } = parseVerifier(signer.vkey)
    const signature = await signer.sign(message)
    // A signer elsewhere may have another key than it says, and a note that nobody can open must not leave.
    if (name !== signer.name || !verify(message, signature)) throw new ProofError(`the key of ${signer.name} does not sign what its verifier key verifies`)
    const idBytes = Buffer.alloc(4)
    idBytes.writeUInt32BE(id)
    lines.push(`${linePrefix}${name} ${Buffer.concat([idBytes, signature]).toString('base64')}\n`)
  }
  return `${text}\n${lines.join('')}`
}

/**
 * Opens a note: its text, and which of the known keys signed it. Signatures of other keys are passed over. Throws ProofError where it is no
 * note, where a known key's signature is wrong, and where no known key signed.
 */
export function openNote(note: string | Uint8Array, known: readonly Verifier[]): OpenedNote {
  const { text, signatures } = splitNote(note)
  const message = Buffer.from(text)
  const by: Verifier[] = []
  for (const { name, id, signature } of signatures) {
    const candidates = known.filter(verifier => verifier.name === name && verifier.id === id)
    if (candidates.length === 0) continue
    const right = candidates.find(verifier => verifier.verify(message, signature))
    if (!right) throw new ProofError(`the signature of ${name} (${hexId(id)}) is wrong: the text or the signature was altered`)
    if (!by.includes(right)) by.push(right)
  }
  if (by.length === 0) {
    const those = signatures.map(({ name, id }) => `${name} (${hexId(id)})`)
    throw new ProofError(`no known key signed this note; it bears ${those.slice(0, 5).join(', ')}`)
  }
  return { text, by }
}

/** The text of a note whose signatures nobody has checked. Throws ProofError where it is no note. */
export function unverifiedText(note: string | Uint8Array): string {
  return splitNote(note).text
}

function splitNote(note: string | Uint8Array): { text: string; signatures: NoteSignature[] } {
  const whole = typeof note === 'string' ? note : decoded(note)
  if (whole.length > largestBytes) throw new ProofError(`a note is at most ${largestBytes} bytes long`)
  if (!isNoteText(whole)) throw new ProofError('a note must be UTF-8 without control characters')
  // The text may hold empty lines itself: the last one ends it.
  const end = whole.lastIndexOf('\n\n')
  const below = whole.slice(end + 2)
  if (end < 0 || !below.endsWith('\n')) throw new ProofError('a note is a text, an empty line, and lines of signatures')
  const lines = below.slice(0, -1).split('\n')
  if (lines.length > mostSignatures) throw new ProofError(`a note has at most ${mostSignatures} signatures`)
  return { text: whole.slice(0, end + 1), signatures: lines.map(parseSignature) }
}

function parseSignature(line: string): NoteSignature {
  const [name = '', base64 = '', ...more] = line.startsWith(linePrefix) ? line.slice(linePrefix.length).split(' ') : []
  const bytes = strictBase64(base64)
  if (!isKeyName(name) || !bytes || bytes.length < 5 || more.length > 0) throw new ProofError('expected a line of a signature: "— <name> <base64>"')
  return { name, id: bytes.readUInt32BE(), signature: bytes.subarray(4) }
}

/** Well-formed, and no character below U+0020 but newline. */
function isNoteText(text: string): boolean {
  return !/[^\n\P{Cc}\x7f-\x9f]/u.test(text) && text.isWellFormed()
}

function decoded(bytes: Uint8Array): string {
  try {
    // A byte order mark is part of what was signed.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new ProofError('a note must be UTF-8')
  }
}

function hexId(id: number): string {
  return id.toString(16).padStart(8, '0')
}
