import { parseVerifier } from '../proof/note-key.ts'
import { strictBase64 } from '../proof/hash.ts'
import { rotationStatement } from './checkpoint-entry.ts'
import type { Entry } from './entry.ts'

/** The key that an `audit.key-rotated` puts in force after `oldVkey`: README.md, section 8. Throws in one sentence where it does not hold. */
export function rotatedTo({ origin, sequence, value }: Pick<Entry, 'origin' | 'sequence' | 'value'>, oldVkey: string): string {
  const { statement, byOld, byNew } = (value.payload.unmapped['rotation'] ?? {}) as Readonly<Record<string, unknown>>
  if (typeof statement !== 'string') throw new Error('the rotation of the key holds no statement')
  const newVkey = statement.split('\n')[4] ?? ''
  if (statement !== rotationStatement({ origin, sequence }, oldVkey, newVkey))
    throw new Error('the rotation of the key is not one from the key in force, at this place')
  for (const [vkey, signature, who] of [
    [oldVkey, byOld, 'old'],
    [newVkey, byNew, 'new']
  ] as const) {
    const bytes = typeof signature === 'string' ? strictBase64(signature) : null
    if (!bytes || !parseVerifier(vkey).verify(Buffer.from(statement), bytes)) throw new Error(`the rotation of the key is not signed by the ${who} key`)
  }
  return newVkey
}
