import { type Hash, leafHash, nodeHash } from '../proof/hash.ts'
import { formatProof } from '../proof/tlog-proof.ts'
import { inclusionProof } from '../proof/tree-proof.ts'
import type { LogReader } from '../kafka/ports.ts'
import type { LogPlace } from './place.ts'
import { walkLog } from './walk.ts'

/**
 * The proof that an entry is in the tree of a checkpoint (C2SP tlog-proof), made by reading the log from its beginning; holds no more than
 * the proof's hashes and the tree's edge. Throws KafkaFault.
 */
export async function entryProof(
  reader: LogReader,
  place: LogPlace,
  index: number,
  checkpoint: { readonly size: number; readonly note: Uint8Array },
  onEntry: (sequence: number) => void
): Promise<string> {
  const { size, note } = checkpoint
  const nameOf = (level: number, at: number): string => `${level}/${at}`
  const wanted = new Map<string, Hash | null>()
  // Asked once for which hashes it needs, and again when they are there.
  inclusionProof(index, size, (level, at) => {
    wanted.set(nameOf(level, at), null)
    return leafHash(new Uint8Array())
  })
  const edge: Hash[] = []
  let read = 0
  await walkLog(reader, place, 'start', ({ key, value }) => {
    if (key?.toString('latin1') !== 'event') return false
    onEntry(read)
    let hash = leafHash(value ?? Buffer.alloc(0))
    let at = read
    for (let level = 0; ; level++) {
      if (wanted.has(nameOf(level, at))) wanted.set(nameOf(level, at), hash)
      if (at % 2 === 0) break
      hash = nodeHash(edge.pop()!, hash)
      at = (at - 1) / 2
    }
    edge.push(hash)
    return ++read === size
  })
  const path = inclusionProof(index, size, (level, at) => {
    const hash = wanted.get(nameOf(level, at))
    if (!hash) throw new Error(`the log has ${read} entries, its checkpoint ${size}`)
    return hash
  })
  return formatProof({ index, path, checkpoint: Buffer.from(note).toString('utf8'), extra: null })
}
