import { type Bytes, hexOf, sha256, textOf } from './bytes.ts'
import type { Doubt } from './entry-check.ts'
import { canonicalOf, hasExactly, isCount, isHexHash, isMembers } from './json.ts'

export interface CheckedTrailer {
  readonly origin: string
  readonly sequence: number
  readonly fingerprint: string
  readonly previous: string | null
  readonly frontier: readonly string[]
  readonly signers: readonly string[]
  readonly hash: string
}

const members = ['format', 'origin', 'sequence', 'fingerprint', 'epoch', 'previous', 'frontier', 'signers', 'closedThroughMs', 'sources']

/** Total over all bytes. */
export async function checkTrailer(bytes: Bytes): Promise<CheckedTrailer | Doubt> {
  try {
    const text = textOf(bytes)
    const value: unknown = JSON.parse(text)
    const expected = isMembers(value) && 'turn' in value ? [...members, 'turn'] : members
    if (!hasExactly(value, expected) || !isRight(value)) return { doubt: 'it has other members than a trailer' }
    if (canonicalOf(value) !== text) return { doubt: 'the bytes are not the canonical form of what they say' }
    const { origin, sequence, fingerprint, previous, frontier, signers } = value as unknown as CheckedTrailer
    return { origin, sequence, fingerprint, previous, frontier, signers, hash: hexOf(await sha256(bytes)) }
  } catch (error) {
    return { doubt: `not canonical JSON in UTF-8: ${(error as Error).message}` }
  }
}

function isRight(value: { readonly [name: string]: unknown }): boolean {
  const { format, origin, sequence, fingerprint, epoch, previous, frontier, signers, closedThroughMs, sources, turn } = value
  return (
    format === 'reeve.audit.trailer/1' &&
    typeof origin === 'string' &&
    isCount(sequence) &&
    sequence >= 1 &&
    isHexHash(fingerprint) &&
    isCount(epoch) &&
    (previous === null || isHexHash(previous)) &&
    Array.isArray(frontier) &&
    frontier.every(isHexHash) &&
    Array.isArray(signers) &&
    (signers.length === 1 || signers.length === 2) &&
    signers.every(one => typeof one === 'string') &&
    (turn === undefined || (isCount(turn) && turn >= 1)) &&
    (closedThroughMs === null || Number.isSafeInteger(closedThroughMs)) &&
    isMembers(sources) &&
    Object.values(sources).every(one => hasExactly(one, ['through', 'resume']))
  )
}
