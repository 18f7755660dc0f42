import type { Anchor } from './anchor.ts'
import { directoryAnchor } from './directory.ts'
import { rfc3161Anchor } from './rfc3161.ts'
import { s3Anchor } from './s3.ts'
import type { AnchorConfig } from './schema.ts'
import { webhookAnchor } from './webhook.ts'

export { type Anchor, AnchorError, checkpointToAnchor, ForkFound } from './anchor.ts'
export { verifyTimeStamp } from './time-stamp.ts'

/** The anchors of a configuration. Nothing is asked of them yet: see `check`. */
export function openAnchors(configured: readonly AnchorConfig[], timeoutMs = 10_000): readonly Anchor[] {
  return configured.map(given => openAnchor(given, timeoutMs))
}

function openAnchor({ name, outside, directory, s3, rfc3161, webhook }: AnchorConfig, timeoutMs: number): Anchor {
  const common = { name, outside, timeoutMs }
  if (directory) return directoryAnchor({ ...common, ...directory })
  if (rfc3161) return rfc3161Anchor({ ...common, ...rfc3161 })
  if (webhook) return webhookAnchor({ ...common, ...webhook })
  const { accessKeyId, secretAccessKey, endpoint, caFile, ...rest } = s3!
  return s3Anchor({
    ...common,
    ...rest,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(caFile === undefined ? {} : { caFile }),
    ...(accessKeyId === undefined || secretAccessKey === undefined ? {} : { credentials: { accessKeyId, secretAccessKey } })
  })
}
