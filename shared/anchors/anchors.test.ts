import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { webhookSignature } from '../notify/webhook.ts'
import { signCheckpoint } from '../proof/checkpoint.ts'
import { leafHash } from '../proof/hash.ts'
import { formatSigner, parseSigner } from '../proof/note-key.ts'
import { type Anchor, AnchorError, checkpointToAnchor, ForkFound, openAnchors } from './index.ts'
import { anchors } from './schema.ts'

const origin = 'audit.example.com/production'
const newSigner = () => parseSigner(formatSigner(origin, generateKeyPairSync('ed25519').privateKey))
const [signer, nextSigner] = [newSigner(), newSigner()]
const checkpointOf = async (size: number, root = 'a', by = signer, log = origin) =>
  checkpointToAnchor(await signCheckpoint({ origin: log, size, root: leafHash(Buffer.from(root)) }, [by]))
const folder = mkdtempSync(join(tmpdir(), 'reeve-anchors-'))
const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true })
})

let made = 0
function newDirectory(): { path: string; anchor: Anchor } {
  const path = join(folder, String((made += 1)))
  mkdirSync(path)
  return { path, anchor: openAnchors(anchors.parse([{ directory: { path } }]))[0]! }
}

describe('a directory', () => {
  test('keeps each checkpoint whole in a file of its own, which the same one once more does not touch', async () => {
    const { path, anchor } = newDirectory()
    const [first, second] = [await checkpointOf(7), await checkpointOf(300)]
    const receipt = await anchor.put(second)
    const file = join(path, 'audit.example.com%2Fproduction', '0000000000000300.checkpoint')
    expect(receipt).toEqual({ anchor: 'directory', kind: 'directory', outside: true, location: file, sha256: second.sha256, repeated: false, evidence: {} })
    const before = statSync(file)
    expect(await anchor.put(second)).toEqual({ ...receipt, repeated: true })
    expect(statSync(file)).toMatchObject({ mtimeMs: before.mtimeMs, ino: before.ino, nlink: 1 })
    await anchor.put(first)
    expect(readFileSync(file)).toEqual(Buffer.from(second.text))
    expect(readdirSync(join(path, 'audit.example.com%2Fproduction'))).toEqual(['0000000000000007.checkpoint', '0000000000000300.checkpoint'])

    const held = await anchor.held!.list(origin)
    expect(held.map(({ size }) => size)).toEqual([7, 300])
    expect(await anchor.held!.list(origin, 8)).toEqual([held[1]])
    expect(await anchor.held!.latest(origin)).toEqual(held[1])
    expect(Buffer.from(await anchor.held!.read(held[0]!))).toEqual(Buffer.from(first.text))
    expect([await anchor.held!.list('another'), await anchor.held!.latest('another')]).toEqual([[], null])
  })

  test('refuses another tree of the same size as a fork, and takes the same tree under another key', async () => {
    const { anchor } = newDirectory()
    const first = await checkpointOf(5)
    await anchor.put(first)
    const fork = await anchor.put(await checkpointOf(5, 'b')).catch((error: unknown) => error)
    expect(fork).toBeInstanceOf(ForkFound)
    expect(String(fork)).toContain(`FORK: ${folder}`)
    expect(Buffer.from((fork as ForkFound).held)).toEqual(Buffer.from(first.text))
    expect(await anchor.put(await checkpointOf(5, 'a', nextSigner))).toMatchObject({ repeated: true, sha256: first.sha256 })
    const [held] = await anchor.held!.list(origin)
    expect(Buffer.from(await anchor.held!.read(held!))).toEqual(Buffer.from(first.text))
  })

  test('is written by many at once: one file, no fork, nothing half written', async () => {
    const { path, anchor } = newDirectory()
    const checkpoint = await checkpointOf(9)
    const receipts = await Promise.all(Array.from({ length: 20 }, () => anchor.put(checkpoint)))
    expect(receipts.filter(({ repeated }) => !repeated)).toHaveLength(1)
    const results = await Promise.allSettled(['x', 'y'].flatMap(root => Array.from({ length: 5 }, async () => anchor.put(await checkpointOf(10, root)))))
    const refused = results.filter(({ status }) => status === 'rejected').map(result => (result as PromiseRejectedResult).reason as unknown)
    expect(refused).toHaveLength(5)
    for (const reason of refused) expect(reason).toBeInstanceOf(ForkFound)
    expect(readdirSync(join(path, 'audit.example.com%2Fproduction'))).toHaveLength(2)
  })

  test('passes over what a crash left, and refuses what is no checkpoint in its place', async () => {
    const { path, anchor } = newDirectory()
    await anchor.put(await checkpointOf(1))
    const own = join(path, 'audit.example.com%2Fproduction')
    writeFileSync(join(own, '.0123.part'), 'half')
    writeFileSync(join(own, 'notes.txt'), 'x')
    writeFileSync(join(own, '0000000000000002.checkpoint'), 'audit.example.com/pro')
    const twin = await checkpointOf(4)
    writeFileSync(join(own, '0000000000000003.checkpoint'), twin.text)
    expect((await anchor.held!.list(origin)).map(({ size }) => size)).toEqual([1, 2, 3])
    await expect(anchor.put(await checkpointOf(2))).rejects.toThrow('holds something that is no checkpoint')
    await expect(anchor.put(await checkpointOf(3))).rejects.toThrow('holds a checkpoint of another place')
  })

  test('that is away takes nothing, creates nothing and does not look empty', async () => {
    const path = join(folder, 'not-mounted')
    const [anchor] = openAnchors(anchors.parse([{ directory: { path } }]))
    const checkpoint = await checkpointOf(1)
    for (const asked of [() => anchor!.check(), () => anchor!.put(checkpoint), () => anchor!.held!.list(origin), () => anchor!.held!.latest(origin)])
      await expect(asked()).rejects.toMatchObject({ name: 'AnchorError', retriable: true, message: `the directory ${path} cannot be used: ENOENT` })
    expect(readdirSync(folder)).not.toContain('not-mounted')
    writeFileSync(path, '')
    await expect(anchor!.check()).rejects.toThrow('ENOTDIR')
  })

  test('stays beneath its path whatever the origin is', async () => {
    const { path, anchor } = newDirectory()
    for (const log of ['..', '../../x', '.', '/etc', 'é%2F']) await anchor.put(await checkpointOf(1, 'a', signer, log))
    expect(readdirSync(path).toSorted()).toEqual(['%2E', '%2E.', '%2E.%2F..%2Fx', '%2Fetc', '%C3%A9%252F'])
    expect(await anchor.held!.list('..')).toHaveLength(1)
  })

  test('says when it lies where Reeve lies', async () => {
    const path = mkdtempSync(join(process.cwd(), '.anchor-'))
    try {
      const [anchor] = openAnchors(anchors.parse([{ directory: { path } }]))
      expect(await anchor!.check()).toEqual([expect.stringContaining('lies on the volume that Reeve runs from')])
    } finally {
      rmSync(path, { recursive: true })
    }
  })
})

async function receiver(answer: (body: string, signature: string) => { status: number; body?: string }): Promise<Anchor> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const { status, body: said = '' } = answer(body, String(request.headers['x-reeve-signature']))
      response.writeHead(status).end(said)
    })
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/secret-path`
  return openAnchors(anchors.parse([{ name: 'witness', outside: false, webhook: { url, key: 'key-of-the-signature' } }]), 2_000)[0]!
}

describe('a webhook', () => {
  test('is given the checkpoint, signed as notices are, and its answer is the evidence', async () => {
    let seen = ''
    const anchor = await receiver((body, signature) => {
      expect(signature).toBe(webhookSignature('key-of-the-signature', body, Number(/^t=(\d+),/.exec(signature)![1])))
      seen = body
      return { status: 201, body: 'kept as 42' }
    })
    const checkpoint = await checkpointOf(3)
    const receipt = await anchor.put(checkpoint)
    const { sha256 } = checkpoint
    expect(JSON.parse(seen)).toEqual({ version: 1, type: 'checkpoint', origin, size: 3, sha256, checkpoint: Buffer.from(checkpoint.text).toString('utf8') })
    expect(receipt).toEqual({ anchor: 'witness', kind: 'webhook', outside: false, location: null, sha256, repeated: false, evidence: { answer: 'kept as 42' } })
    expect(anchor.held).toBeNull()
    expect(await anchor.check()).toEqual([])
  })

  test('that refuses, knows another tree or is away is told, without its address', async () => {
    const checkpoint = await checkpointOf(3)
    const failure = async (status: number) => (await receiver(() => ({ status, body: 'x' }))).put(checkpoint).catch((error: unknown) => error)
    expect(await failure(409)).toBeInstanceOf(ForkFound)
    for (const [status, retriable] of [
      [503, true],
      [429, true],
      [400, false],
      [302, false]
    ] as const) {
      const error = await failure(status)
      expect(error).toMatchObject({ name: 'AnchorError', retriable, message: `the webhook witness: expected 2xx, it answered ${status}` })
    }
    const away = openAnchors(anchors.parse([{ webhook: { url: 'http://127.0.0.1:1/secret-path', key: 'k' } }]))[0]!
    const error = await away.put(checkpoint).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ retriable: true, message: expect.stringContaining('the webhook webhook: no connection (') as string })
    expect(JSON.stringify(error) + String(error)).not.toContain('secret-path')
  })
})

test('only a checkpoint is put away', () => {
  expect(() => checkpointToAnchor('x\n\n— a QUJDREVG\n')).toThrow('exactly three lines')
  expect(() => checkpointToAnchor('x')).toThrow('a note is a text')
  expect(new AnchorError('x', true).cause).toBeUndefined()
})

describe('the configuration', () => {
  test('names each anchor, and hides what is secret', () => {
    const parsed = anchors.parse([
      { directory: { path: '/mnt/audit' } },
      { name: 'worm', s3: { bucket: 'audit-worm', region: 'eu-central-1' } },
      { rfc3161: { url: 'http://tsa.example.com/', caFile: '/etc/tsa.pem' }, outside: true },
      { webhook: { url: 'https://witness.example.com/hidden', key: 'hidden' } }
    ])
    expect(parsed.map(({ name, outside }) => [name, outside])).toEqual([
      ['directory', true],
      ['worm', true],
      ['rfc3161', true],
      ['webhook', true]
    ])
    expect(parsed[1]!.s3).toMatchObject({ prefix: '', retainYears: 10, pathStyle: false })
    expect(JSON.stringify(parsed)).not.toContain('hidden')
    expect(openAnchors(parsed.slice(0, 3)).map(({ kind, held }) => [kind, held !== null])).toEqual([
      ['directory', true],
      ['s3', true],
      ['rfc3161', false]
    ])
  })

  test.each([
    ['no kind', {}, 'expected exactly one of directory, s3, rfc3161, webhook'],
    ['two kinds', { directory: { path: '/a' }, webhook: { url: 'https://a.example', key: 'k' } }, 'expected exactly one of'],
    ['a webhook in clear', { webhook: { url: 'http://a.example', key: 'k' } }, 'expected an https:// address'],
    ['half a login', { s3: { bucket: 'abc', accessKeyId: 'a' } }, 'belong together'],
    ['no time', { s3: { bucket: 'abc', retainYears: 0 } }, 'expected a whole number from 1 to 100'],
    ['a prefix without its slash', { s3: { bucket: 'abc', prefix: 'reeve' } }, 'ends with a slash'],
    ['a file for an address', { rfc3161: { url: 'file:///etc', caFile: 'a' } }, 'expected an http:// or https:// address']
  ])('is refused with %s', (_, given, message) => {
    expect(
      anchors
        .safeParse([given])
        .error?.issues.map(issue => issue.message)
        .join()
    ).toContain(message)
  })

  test('is refused with one name for two', () => {
    const twice = [{ directory: { path: '/a' } }, { directory: { path: '/b' } }]
    expect(anchors.safeParse(twice).error?.issues[0]).toMatchObject({
      path: [1, 'name'],
      message: expect.stringContaining('an anchor directory already') as string
    })
  })
})
