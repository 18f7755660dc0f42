import { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
import { parseVerifier, type Signer, type Verifier } from './note-key.ts'
import { openNote, signNote } from './note.ts'
import { ProofError } from './proof-error.ts'

/** What a change of keys says of the log: the last tree that the old key speaks for, and when it was. */
export interface RotationFacts extends Checkpoint {
  /** Epoch milliseconds. */
  readonly atMs: number
}

export interface Rotation extends RotationFacts {
  readonly oldKey: string
  readonly newKey: string
}

/** One key's time in a log. */
export interface KeyPeriod {
  readonly vkey: string
  /** The smallest tree that it speaks for. */
  readonly fromSize: number
  /** The largest one; null: it still does. */
  readonly untilSize: number | null
}

const title = 'reeve key rotation v1'

/**
 * The statement that a log goes over from one key to another at a tree, as a note signed by both: the old one hands over, and the new
 * one shows that it is held. Trees up to `size` are the old key's, trees from `size` on the new one's.
 */
export async function rotate(oldSigner: Signer, newSigner: Signer, facts: RotationFacts): Promise<string> {
  return signNote(formatRotation({ ...facts, oldKey: oldSigner.vkey, newKey: newSigner.vkey }), [oldSigner, newSigner])
}

/** Reads a rotation of `origin` away from the key `oldKey`, signed by both. Throws ProofError. */
export function verifyRotation(note: string, origin: string, oldKey: string): Rotation {
  const old = parseVerifier(oldKey)
  const rotation = parseRotation(openNote(note, [old]).text)
  if (rotation.origin !== origin) throw new ProofError(`a key rotation of ${rotation.origin}, where one of ${origin} was expected`)
  if (rotation.oldKey !== oldKey) throw new ProofError(`a key rotation of ${origin} away from another key than the one in force`)
  openNote(note, [parseVerifier(rotation.newKey)])
  return rotation
}

/**
 * Which keys speak for which trees of a log, from its first key through its rotations in their order. Throws ProofError where one does
 * not follow from the one before.
 */
export function keyPeriods(origin: string, firstKey: string, rotations: readonly string[]): KeyPeriod[] {
  const periods: KeyPeriod[] = [{ vkey: parseVerifier(firstKey).vkey, fromSize: 0, untilSize: null }]
  for (const note of rotations) {
    const { vkey, fromSize } = periods.at(-1)!
    const { newKey, size } = verifyRotation(note, origin, vkey)
    if (size < fromSize) throw new ProofError(`a key rotation of ${origin} at size ${size} after one at size ${fromSize}`)
    if (periods.some(period => period.vkey === newKey)) throw new ProofError(`a key rotation of ${origin} at size ${size} back to a key that was put away`)
    periods.splice(-1, 1, { vkey, fromSize, untilSize: size }, { vkey: newKey, fromSize: size, untilSize: null })
  }
  return periods
}

/** The keys that may sign a checkpoint of this size: two at the size of a rotation. */
export function verifiersAt(periods: readonly KeyPeriod[], size: number): Verifier[] {
  return periods.filter(({ fromSize, untilSize }) => size >= fromSize && (untilSize === null || size <= untilSize)).map(({ vkey }) => parseVerifier(vkey))
}

function formatRotation(rotation: Rotation): string {
  const { oldKey, newKey, atMs } = rotation
  if (oldKey === newKey) throw new ProofError('a key rotation needs another key')
  return `${title}\n${formatCheckpoint(rotation)}old ${oldKey}\nnew ${newKey}\nat ${new Date(atMs).toISOString()}\n`
}

function parseRotation(text: string): Rotation {
  const lines = text.split('\n')
  const [first, origin, size, root, old = '', next = '', at = '', end, ...more] = lines
  const wrong = new ProofError('not a key rotation: expected its title, a checkpoint, and the lines old, new and at')
  if (first !== title || end !== '' || more.length > 0 || !old.startsWith('old ') || !next.startsWith('new ') || !at.startsWith('at ')) throw wrong
  const checkpoint = parseCheckpoint(`${origin}\n${size}\n${root}\n`)
  const rotation = { ...checkpoint, oldKey: old.slice(4), newKey: next.slice(4), atMs: Date.parse(at.slice(3)) }
  for (const key of [rotation.oldKey, rotation.newKey]) parseVerifier(key)
  // One text for one statement.
  if (Number.isNaN(rotation.atMs) || formatRotation(rotation) !== text) throw wrong
  return rotation
}
