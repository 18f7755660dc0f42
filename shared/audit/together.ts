import { z } from 'zod'
import type { Entry } from './entry.ts'
import { mostChains } from './routing.ts'

/** Where a log ended when a checkpoint of its topic was made. */
export interface NamedHead {
  readonly origin: string
  readonly size: number
  /** Of the last entry; null where there was none. */
  readonly fingerprint: string | null
}

/** The end of a log of an earlier topic, which this one goes on from. Hashes in hexadecimal. */
export interface LogEnd {
  readonly origin: string
  readonly size: number
  readonly root: string
  readonly fingerprint: string
  /** Hash of its last checkpoint, the whole note. */
  readonly checkpoint: string
}

const hexHash = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits')
const head = z.strictObject({ origin: z.string(), size: z.number().int().nonnegative(), fingerprint: hexHash.nullable() })
const logEnd = z.strictObject({
  origin: z.string().regex(/^[^\s+:]+\/[^/\s+]+\/[^/\s+]+\/\d+$/, 'expected <prefix>/<cluster id>/<topic>/<partition>'),
  size: z.number().int().min(1),
  root: hexHash,
  fingerprint: hexHash,
  checkpoint: hexHash
})

/** The parts of an origin. */
export function partsOf(origin: string): { readonly base: string; readonly topic: string; readonly partition: number } {
  const end = origin.lastIndexOf('/')
  const base = origin.slice(0, end)
  return { base, topic: base.slice(base.lastIndexOf('/') + 1), partition: Number(origin.slice(end + 1)) }
}

/** How many logs the topic has, as the first entry of one of them says. Throws in one sentence where it says something else. */
export function chainsOf({ origin, value }: Pick<Entry, 'origin' | 'value'>): number {
  const { chains } = value.payload.unmapped
  if (chains === undefined) return 1
  if (typeof chains !== 'number' || chains < 2 || chains > mostChains) throw new Error(`chains is ${JSON.stringify(chains)}, expected 2 to ${mostChains}`)
  if (partsOf(origin).partition >= chains) throw new Error(`chains is ${chains}, and this is the log of partition ${partsOf(origin).partition}`)
  return chains
}

/** The heads that an `audit.checkpoint` names: one for each log of its topic, none where there is one. Throws where they are not as section 13 says. */
export function headsOf({ origin, value }: Pick<Entry, 'origin' | 'value'>, chains: number, before: readonly NamedHead[] | null): readonly NamedHead[] | null {
  const { heads } = value.payload.unmapped
  if (chains === 1) {
    if (heads !== undefined) throw new Error('it names heads, and the topic has one log')
    return null
  }
  const read = z.array(head).length(chains).safeParse(heads)
  if (!read.success) throw new Error(`its heads are not those of ${chains} logs: ${said(read.error)}`)
  const { base } = partsOf(origin)
  for (const [partition, { origin: named, size, fingerprint }] of read.data.entries()) {
    if (named !== `${base}/${partition}`) throw new Error(`its head ${partition} is one of ${named}`)
    if ((size === 0) !== (fingerprint === null)) throw new Error(`its head of ${named} has ${size} entries and the fingerprint ${fingerprint}`)
    if (before && size < before[partition]!.size) throw new Error(`it names ${size} entries of ${named}, the checkpoint before it ${before[partition]!.size}`)
  }
  return read.data
}

/** The ends that the first entry of a log goes on from, that of partition 0 first. Throws where they are not as section 14 says. */
export function endsOf({ origin, value }: Pick<Entry, 'origin' | 'value'>): readonly LogEnd[] {
  const { continues, continuesToo } = value.payload.unmapped
  if (continues === undefined && continuesToo === undefined) return []
  const read = z
    .tuple([logEnd], logEnd)
    .refine(ends => ends.length <= mostChains, `expected at most ${mostChains}`)
    .safeParse([continues, ...(Array.isArray(continuesToo) ? continuesToo : [])])
  if (!read.success) throw new Error(`what it continues is no end of a log: ${said(read.error)}`)
  if (continuesToo !== undefined && (!Array.isArray(continuesToo) || continuesToo.length === 0)) throw new Error('continuesToo is no list of ends')
  const { base, topic } = partsOf(read.data[0].origin)
  for (const [partition, end] of read.data.entries())
    if (end.origin !== `${base}/${partition}`) throw new Error(`what it continues is ${end.origin}, expected ${base}/${partition}`)
  if (topic === partsOf(origin).topic) throw new Error('it continues its own topic')
  return read.data
}

/** The topic that goes on where an `audit.checkpoint` ends its own; null: none. Throws where it is none that could. */
export function continuedIn({ origin, value }: Pick<Entry, 'origin' | 'value'>): string | null {
  const { continuedIn: named } = value.payload.unmapped
  if (named === undefined) return null
  if (typeof named !== 'string' || named === partsOf(origin).topic) throw new Error(`it is continued in ${JSON.stringify(named)}, expected another topic`)
  return named
}

function said({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')
}
