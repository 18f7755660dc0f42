import { z } from 'zod'

/** Reads an export: a folder, or the same in memory. Paths are relative, with slashes. */
export interface ExportFiles {
  /** Null where there is no such file. */
  read(path: string): Uint8Array | null
  /** The same piece by piece, for files that may not fit into memory. */
  chunks(path: string): Iterable<Uint8Array> | null
  /** Paths of all files below a folder; none where there is no such folder. */
  list(folder: string): readonly string[]
}

/** One file of an export. */
export interface ExportFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/** What an export holds: shared/audit/README.md, section 9. Nothing of it is evidence. */
export interface Manifest {
  readonly clusterId: string
  readonly topic: string
  readonly logs: readonly ExportedLog[]
}

export interface ExportedLog {
  readonly origin: string
  readonly partition: number
  /** Folder of its files. */
  readonly path: string
  /** Entries, as many as the newest checkpoint covers. */
  readonly size: number
  /** Entries behind it, which are not in the export. */
  readonly behind: number
  /** Keys that were in force, the first one first. */
  readonly vkeys: readonly string[]
}

export const manifestFile = 'manifest.json'
const format = 'reeve.audit.export/1'

const count = z.number().int().nonnegative()
const name = z.string().min(1).max(1_000)
const shape = z.strictObject({
  format: z.literal(format),
  clusterId: name,
  topic: name,
  logs: z
    .array(z.strictObject({ origin: name, partition: count, path: name, size: count, vkeys: z.array(name).min(1), behind: count }))
    .min(1)
    .max(10_000)
})

/** The paths of one log's files. */
export const paths = {
  checkpoint: (log: string): string => `${log}/checkpoint`,
  checkpoints: (log: string): string => `${log}/checkpoints`,
  checkpointOf: (log: string, size: number): string => `${log}/checkpoints/${sizeName(size)}`,
  tiles: (log: string): string => `${log}/tile`,
  trailers: (log: string): string => `${log}/trailers`,
  anchors: (log: string): string => `${log}/anchors`,
  /** A time stamp (RFC 3161, DER) that lies beside it; `by` is percent-encoded. */
  stamp: (log: string, anchor: string, size: number, by: string): string => `${paths.anchored(log, anchor, size)}.${by}.tst`,
  /** A checkpoint that an anchor holds; `version` tells several of one size apart. */
  anchored: (log: string, anchor: string, size: number, version = 0): string =>
    `${log}/anchors/${encodeURIComponent(anchor).replace(/^\./, '%2E')}/${sizeName(size)}${version === 0 ? '' : `.${version}`}`
}

/** Names sort as sizes do. */
export function sizeName(size: number): string {
  return String(size).padStart(20, '0')
}

export function encodeManifest({ clusterId, topic, logs }: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify({ format, clusterId, topic, logs }, null, 2)}\n`)
}

/** Reads a manifest, or says in one sentence what is wrong with it. Total over all bytes. */
export function readManifest(bytes: Uint8Array): Manifest | { readonly fault: string } {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    return { fault: `${manifestFile} is not JSON in UTF-8: ${(error as Error).message}` }
  }
  const read = shape.safeParse(value)
  if (!read.success)
    return { fault: `${manifestFile}: ${read.error.issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; ')}` }
  const { format: _, ...manifest } = read.data
  const { clusterId, topic, logs } = manifest
  for (const { partition, path, origin } of logs) {
    if (path !== String(partition))
      return { fault: `${manifestFile}: the log of partition ${partition} lies in ${JSON.stringify(path)}, expected ${partition}` }
    if (!origin.endsWith(`/${clusterId}/${topic}/${partition}`))
      return { fault: `${manifestFile}: the log of partition ${partition} has the origin ${origin}, expected <prefix>/${clusterId}/${topic}/${partition}` }
  }
  if (new Set(logs.map(({ partition }) => partition)).size < logs.length) return { fault: `${manifestFile}: a partition is named twice` }
  if (logs.some(({ partition }, index) => index > 0 && partition < logs[index - 1]!.partition))
    return { fault: `${manifestFile}: its logs are not in the order of their partitions` }
  return manifest
}
