import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DeleteObjectCommand, PutObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Anchor, AnchorError, checkpointToAnchor, ForkFound, openAnchors } from '#shared/anchors/index.ts'
import { anchors } from '#shared/anchors/schema.ts'
import { signCheckpoint } from '#shared/proof/checkpoint.ts'
import { leafHash } from '#shared/proof/hash.ts'
import { formatSigner, parseSigner } from '#shared/proof/note-key.ts'
import { programAt } from '#test/support/programs.ts'
import { type Gateway, startGateway } from '#test/support/versity-gateway.ts'

const program = programAt('versitygw', 'versitygw')
const origin = 'audit.example.com/production'
const newSigner = () => parseSigner(formatSigner(origin, generateKeyPairSync('ed25519').privateKey))
const [signer, nextSigner] = [newSigner(), newSigner()]
const checkpointOf = async (size: number, root = 'a', by = signer, log = origin) =>
  checkpointToAnchor(await signCheckpoint({ origin: log, size, root: leafHash(Buffer.from(root)) }, [by]))
let gateway: Gateway | null = null
const opened: Anchor[] = []
const silent = createServer(() => undefined)

beforeAll(async () => {
  if (!program) return
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
  gateway = await startGateway(program)
  await gateway.newBucket('locked', true)
  await gateway.newBucket('open', false)
})
beforeEach(context => {
  if (!gateway) context.skip('versitygw is missing: GOBIN=$PWD/.local/versitygw go install github.com/versity/versitygw/cmd/versitygw@v1.8.0')
})
afterAll(async () => {
  for (const anchor of opened) anchor.close()
  silent.closeAllConnections()
  silent.close()
  await gateway?.kill()
})

function anchorTo(bucket: string, changed: Record<string, unknown> = {}, timeoutMs = 10_000): Anchor {
  const { endpoint, accessKeyId, secretAccessKey } = gateway!
  const configured = anchors.parse([{ s3: { bucket, endpoint, accessKeyId, secretAccessKey, pathStyle: true, retainYears: 2, prefix: 'reeve/', ...changed } }])
  const [anchor] = openAnchors(configured, timeoutMs)
  opened.push(anchor!)
  return anchor!
}

test('a checkpoint is put away, retained in compliance mode, and read back; the same once more is harmless', async () => {
  const anchor = anchorTo('locked')
  expect(await anchor.check()).toEqual([])
  const [first, second] = [await checkpointOf(1), await checkpointOf(20)]
  const receipt = await anchor.put(second)
  expect(receipt).toMatchObject({ kind: 's3', anchor: 's3', outside: true, repeated: false, sha256: second.sha256 })
  expect(receipt.location).toMatch(/^s3:\/\/locked\/reeve\/audit\.example\.com%2Fproduction\/0000000000000020\.checkpoint\?versionId=\w+$/)
  const years = (Date.parse(receipt.evidence['retainUntil']!) - Date.now()) / (365.25 * 86_400_000)
  expect(years).toBeGreaterThan(1.99)
  expect(await anchor.put(second)).toEqual({ ...receipt, repeated: true })
  await anchor.put(first)

  const held = await anchor.held!.list(origin)
  expect(held.map(({ size, hidden }) => [size, hidden])).toEqual([
    [1, false],
    [20, false]
  ])
  expect((await anchor.held!.list(origin, 2)).map(({ size }) => size)).toEqual([20])
  expect(Buffer.from(await anchor.held!.read(held[1]!))).toEqual(Buffer.from(second.text))
  expect(await anchor.held!.list('another')).toEqual([])
  expect(await anchor.held!.latest('another')).toBeNull()
})

test('another tree of the same size is refused as a fork, and the first one stays', async () => {
  const anchor = anchorTo('locked', { prefix: 'fork/' })
  const first = await checkpointOf(5)
  await anchor.put(first)
  const fork = await anchor.put(await checkpointOf(5, 'b')).catch((error: unknown) => error)
  expect(fork).toBeInstanceOf(ForkFound)
  expect(Buffer.from((fork as ForkFound).held)).toEqual(Buffer.from(first.text))
  // The same tree under the next key is none.
  const again = await checkpointOf(5, 'a', nextSigner)
  expect(await anchor.put(again)).toMatchObject({ repeated: true, sha256: first.sha256 })
  expect(await anchor.held!.list(origin)).toHaveLength(1)
})

test('whoever administers the bucket can neither delete a checkpoint nor shorten its time, only hide it, and that is seen', async () => {
  const anchor = anchorTo('locked', { prefix: 'kept/' })
  const { location, evidence } = await anchor.put(await checkpointOf(7))
  const [Bucket, Key, VersionId] = ['locked', /locked\/(.+)\?/.exec(location!)![1]!, evidence['versionId']!]
  const asAdministrator = gateway!.client
  await expect(asAdministrator.send(new DeleteObjectCommand({ Bucket, Key, VersionId }))).rejects.toThrow(/object lock/i)
  await expect(asAdministrator.send(new DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention: true }))).rejects.toThrow(/object lock/i)
  const shorter = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 60_000) } as const
  await expect(asAdministrator.send(new PutObjectRetentionCommand({ Bucket, Key, VersionId, Retention: shorter }))).rejects.toThrow(/object lock/i)
  await asAdministrator.send(new DeleteObjectCommand({ Bucket, Key }))
  const [held] = await anchor.held!.list(origin)
  expect(held).toMatchObject({ size: 7, hidden: true, location })
  expect(await anchor.held!.latest(origin)).toEqual(held)
  expect(await anchor.held!.read(held!)).toHaveLength((await checkpointOf(7)).text.length)
})

test('the newest is found among many without listing them all', async () => {
  const anchor = anchorTo('locked', { prefix: 'many/' })
  const put = async (size: number) => anchor.put(await checkpointOf(size))
  for (const size of [0, 3, 4, 1_000, 70_000, 2 ** 40]) {
    await put(size)
    expect(await anchor.held!.latest(origin)).toMatchObject({ size })
  }
  expect((await anchor.held!.list(origin)).map(({ size }) => size)).toEqual([0, 3, 4, 1_000, 70_000, 2 ** 40])
})

test('what is no checkpoint in its place is said so', async () => {
  const anchor = anchorTo('locked', { prefix: 'junk/' })
  const Key = 'junk/audit.example.com%2Fproduction/0000000000000009.checkpoint'
  await gateway!.client.send(new PutObjectCommand({ Bucket: 'locked', Key, Body: 'junk' }))
  await expect(anchor.put(await checkpointOf(9))).rejects.toThrow('holds something that is no checkpoint')
  await gateway!.client.send(new PutObjectCommand({ Bucket: 'locked', Key: Key.replace('.checkpoint', '.txt'), Body: 'x' }))
  expect((await anchor.held!.list(origin)).map(({ size }) => size)).toEqual([9])
})

test.each([
  ['without Object Lock', 'open', {}, { retriable: false, message: /Object Lock/ }],
  ['that is not there', 'nowhere', {}, { retriable: false, message: /NoSuchBucket 404/ }],
  ['with a wrong secret', 'locked', { secretAccessKey: 'wrong-secret-word' }, { retriable: false, message: /SignatureDoesNotMatch 403/ }],
  ['that is away', 'locked', { endpoint: 'http://127.0.0.1:1' }, { retriable: true, message: /ECONNREFUSED/ }],
  ['that never answers', 'locked', { endpoint: 'silent' }, { retriable: true, message: /TimeoutError/ }]
])('a bucket %s takes no checkpoint', async (_, bucket, changed, { retriable, message }) => {
  const isSilent = 'endpoint' in changed && changed.endpoint === 'silent'
  const anchor = isSilent ? anchorTo(bucket, { endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` }, 50) : anchorTo(bucket, changed)
  const checkpoint = await checkpointOf(1)
  for (const ask of [() => anchor.check(), () => anchor.put(checkpoint)]) {
    const error = await ask().then(
      () => null,
      (reason: unknown) => reason
    )
    expect(error).toBeInstanceOf(AnchorError)
    expect(error).toMatchObject({ retriable, message: expect.stringMatching(message) as string })
    expect(String(error)).not.toContain('wrong-secret-word')
  }
})
