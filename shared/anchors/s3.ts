import { Agent } from 'node:https'
import { readFileSync } from 'node:fs'
import type * as Sdk from '@aws-sdk/client-s3'
import type { Secret } from '../config/secret.ts'
import { type Anchor, type AnchoredCheckpoint, AnchorError, fileOf, folderOf, type HeldCheckpoint, requireSameTree, sha256Hex, sizeOfFile } from './anchor.ts'

export interface S3Options {
  readonly name: string
  readonly outside: boolean
  readonly bucket: string
  /** In front of every key; ends with a slash, or is empty. */
  readonly prefix: string
  readonly region: string
  /** For another service than Amazon's. */
  readonly endpoint?: string
  /** The bucket stands in the path, not in the name of the host. */
  readonly pathStyle: boolean
  /** Without: as the AWS SDK finds them (environment, web identity, role of the machine). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: Secret }
  /** How long nobody can delete a checkpoint. */
  readonly retainYears: number
  /** PEM file of the authorities to trust. */
  readonly caFile?: string
  readonly timeoutMs: number
}

const credentialsLastMs = 60_000

/**
 * A bucket with Object Lock: `<prefix><origin, percent-encoded>/<size in 16 digits>.checkpoint`, each written only where none is
 * (`If-None-Match: *`), with its SHA-256, retained in compliance mode, and read back. It takes the rights s3:PutObject,
 * s3:PutObjectRetention, s3:GetObject, s3:GetObjectVersion, s3:GetObjectRetention, s3:GetBucketObjectLockConfiguration and
 * s3:ListBucketVersions.
 */
export function s3Anchor(options: S3Options): Anchor {
  const { name, outside, bucket, prefix, retainYears } = options
  const place = `the bucket ${bucket}`
  let opened: Promise<{ sdk: typeof Sdk; client: Sdk.S3Client }> | null = null
  let checked = false

  // Imported on first use: it takes long, and most configurations have no bucket.
  const open = () => (opened ??= import('@aws-sdk/client-s3').then(sdk => ({ sdk, client: new sdk.S3Client(clientOptions(options)) })))

  async function ask<T>(what: string, work: (sdk: typeof Sdk, client: Sdk.S3Client) => Promise<T>): Promise<T> {
    const { sdk, client } = await open()
    try {
      return await work(sdk, client)
    } catch (error) {
      // Without a cause: the SDK's errors hold the whole request.
      if (error instanceof sdk.S3ServiceException || isNetworkError(error))
        throw new AnchorError(`${place}: ${what} failed (${reasonOf(error)})`, isRetriable(error))
      throw error
    }
  }

  async function check(): Promise<readonly string[]> {
    const answer = await ask('asking for its Object Lock', (sdk, client) => client.send(new sdk.GetObjectLockConfigurationCommand({ Bucket: bucket })))
    if (answer.ObjectLockConfiguration?.ObjectLockEnabled !== 'Enabled')
      throw new AnchorError(`${place} has no Object Lock: who may delete there could take checkpoints away`, false)
    checked = true
    return []
  }

  const keyOf = (origin: string, size: number) => `${prefix}${folderOf(origin)}/${fileOf(size)}`

  /** Null: something lies there already. */
  function write({ origin, size, text, sha256 }: AnchoredCheckpoint, until: Date): Promise<{ VersionId?: string | undefined } | null> {
    const object = {
      Bucket: bucket,
      Key: keyOf(origin, size),
      Body: text,
      ContentType: 'text/plain; charset=utf-8',
      ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
      IfNoneMatch: '*',
      ObjectLockMode: 'COMPLIANCE',
      ObjectLockRetainUntilDate: until
    } as const
    return ask('writing', (sdk, client) =>
      client.send(new sdk.PutObjectCommand(object)).catch((error: unknown) => {
        if (statusOf(error) === 412) return null
        throw error
      })
    )
  }

  async function read(key: string, versionId?: string): Promise<{ bytes: Uint8Array; versionId: string }> {
    const version = versionId === undefined ? {} : { VersionId: versionId }
    return ask('reading', async (sdk, client) => {
      const { Body, VersionId } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...version }))
      return { bytes: (await Body?.transformToByteArray()) ?? new Uint8Array(), versionId: VersionId ?? 'null' }
    })
  }

  /** Until when nobody can delete it. A service may take the headers of a write and not heed them. */
  async function retainedUntil(key: string, versionId: string): Promise<Date> {
    const { Retention } = await ask('asking for its retention', (sdk, client) =>
      client.send(new sdk.GetObjectRetentionCommand({ Bucket: bucket, Key: key, VersionId: versionId }))
    )
    const { Mode: mode, RetainUntilDate: until } = Retention ?? {}
    if (mode === 'COMPLIANCE' && until && until.getTime() > Date.now()) return until
    throw new AnchorError(`${place} does not retain ${key} in compliance mode: ${mode ?? 'no mode'}, until ${until?.toISOString() ?? 'no date'}`, false)
  }

  async function* versions(origin: string, fromSize: number, pageSize: number): AsyncGenerator<HeldCheckpoint> {
    const folder = `${prefix}${folderOf(origin)}/`
    // What is listed comes behind the marker.
    let marker: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = fromSize > 0 ? { KeyMarker: keyOf(origin, fromSize - 1) } : {}
    for (;;) {
      const page = await ask('listing', (sdk, client) =>
        client.send(new sdk.ListObjectVersionsCommand({ Bucket: bucket, Prefix: folder, MaxKeys: pageSize, ...marker }))
      )
      for (const { Key = '', VersionId = 'null', IsLatest } of page.Versions ?? []) {
        const size = sizeOfFile(Key.slice(folder.length))
        if (size !== null && size >= fromSize) yield { size, location: `s3://${bucket}/${Key}?versionId=${VersionId}`, hidden: IsLatest !== true }
      }
      if (page.IsTruncated !== true) return
      marker = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
    }
  }

  /** The first one of a size or above, in few bytes. */
  async function next(origin: string, fromSize: number): Promise<HeldCheckpoint | null> {
    for await (const held of versions(origin, fromSize, 5)) return held
    return null
  }

  return {
    name,
    kind: 's3',
    outside,
    check,
    async put(checkpoint) {
      if (!checked) await check()
      const until = new Date()
      until.setUTCFullYear(until.getUTCFullYear() + retainYears)
      const key = keyOf(checkpoint.origin, checkpoint.size)
      const written = await write(checkpoint, until)
      const kept = await read(key, written?.VersionId)
      requireSameTree(`s3://${bucket}/${key}`, checkpoint, kept.bytes)
      const retainUntil = await retainedUntil(key, kept.versionId)
      return {
        anchor: name,
        kind: 's3',
        outside,
        location: `s3://${bucket}/${key}?versionId=${kept.versionId}`,
        sha256: sha256Hex(kept.bytes),
        repeated: written === null,
        evidence: { versionId: kept.versionId, retainUntil: retainUntil.toISOString() }
      }
    },
    held: {
      async list(origin, fromSize = 0) {
        const held = await Array.fromAsync(versions(origin, fromSize, 1_000))
        return held.toSorted((a, b) => a.size - b.size)
      },
      latest: origin => largest(fromSize => next(origin, fromSize)),
      async read({ location }) {
        const { key, versionId } = /^s3:\/\/[^/]+\/(?<key>.+)\?versionId=(?<versionId>.+)$/.exec(location)?.groups ?? {}
        if (key === undefined) throw new AnchorError(`${place} has no place ${location}`, false)
        return (await read(key, versionId)).bytes
      }
    },
    close() {
      void opened?.then(({ client }) => client.destroy())
    }
  }
}

/** The last one, by what comes first from a size on: S3 lists forwards only, and there may be millions. About 2·log₂ of the sizes in requests. */
async function largest(next: (fromSize: number) => Promise<HeldCheckpoint | null>): Promise<HeldCheckpoint | null> {
  let held = await next(0)
  if (!held) return null
  let step = 1
  for (let beyond = await next(held.size + step); beyond; beyond = await next(held.size + step)) {
    held = beyond
    step *= 2
  }
  while (step > 1) {
    step /= 2
    held = (await next(held.size + step)) ?? held
  }
  return held
}

function clientOptions({ region, endpoint, pathStyle, credentials, caFile, timeoutMs }: S3Options): ConstructorParameters<typeof Sdk.S3Client>[0] & object {
  return {
    region,
    forcePathStyle: pathStyle,
    maxAttempts: 2,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined
      ? {}
      : {
          // Asked for again and again: a secret from a file may change.
          credentials: () =>
            Promise.resolve({
              accessKeyId: credentials.accessKeyId,
              secretAccessKey: credentials.secretAccessKey.reveal(),
              expiration: new Date(Date.now() + credentialsLastMs)
            })
        }),
    requestHandler: {
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      throwOnRequestTimeout: true,
      ...(caFile === undefined ? {} : { httpsAgent: new Agent({ keepAlive: true, ca: readFileSync(caFile) }) })
    }
  }
}

function statusOf(error: unknown): number | null {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? null
}

function isNetworkError(error: unknown): boolean {
  return error instanceof Error && ('code' in error || error.name === 'TimeoutError' || error.name === 'CredentialsProviderError')
}

function isRetriable(error: unknown): boolean {
  const status = statusOf(error)
  return status === null || status >= 500 || [408, 409, 429].includes(status)
}

/** Name and status alone: a message may quote what was sent. */
function reasonOf(error: unknown): string {
  const { name, code } = error as { name: string; code?: string }
  return [name === 'Error' && code !== undefined ? code : name, statusOf(error)].filter(part => part !== null).join(' ')
}
