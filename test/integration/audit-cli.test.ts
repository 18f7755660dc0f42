import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { catalogue, streams } from '#agents/catalogue.ts'
import { directoryAnchor } from '#shared/anchors/directory.ts'
import { createAuditTopic } from '#shared/audit-log/topic.ts'
import { main, program } from '#shared/cli/index.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { formatSigner, parseSigner } from '#shared/proof/note-key.ts'
import { generateKeyPairSync } from 'node:crypto'
import { type AuditLogWorld, auditLogWorld, batchOf } from '../support/audit-log-world.ts'
import { configuration } from '../support/reeve-process.ts'
import { stack, superUser, unique } from '../support/stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'reeve-audit-cli-'))
const anchorFolder = mkdtempSync(join(folder, 'anchor-'))
const topic = unique('audit-cli')
const entries = 600
let kafka: Kafka
let world: AuditLogWorld
let config: string
let vkey: string

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs one command line in this process. */
async function reeve(...words: string[]): Promise<Said> {
  const said = { out: '', err: '' }
  const cli = {
    agents: catalogue,
    streams,
    env: { TEST_REDIS_URL: stack().redisUrl },
    out: (text: string) => void (said.out += `${text}\n`),
    err: (text: string) => void (said.err += `${text}\n`),
    width: undefined,
    signal: new AbortController().signal
  }
  const code = await main(cli, words, program(cli))
  return { code, ...said }
}

beforeAll(async () => {
  kafka = await openKafka(superUser())
  const { clusterId } = await kafka.admin.features()
  const skey = formatSigner(`reeve.audit/${clusterId}`, generateKeyPairSync('ed25519').privateKey)
  const signer = parseSigner(skey)
  vkey = signer.vkey
  await createAuditTopic(kafka.admin, topic, 1)
  world = auditLogWorld(kafka, topic, 0, signer, clusterId)
  const anchor = directoryAnchor({ name: 'elsewhere', outside: true, path: anchorFolder })
  const log = await world.open({ anchors: [anchor] })
  await log.offer(batchOf(0, 300))
  await log.checkpoint()
  await log.offer(batchOf(300, entries))
  await log.checkpoint()
  await log.close()
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, skey)
  config = join(folder, 'reeve.yaml')
  const policy = { topic, keys: [`\${file:${keyFile}}`], anchors: [{ name: 'elsewhere', directory: { path: anchorFolder } }] }
  writeFileSync(config, JSON.stringify(configuration(unique('audit-cli'), { agents: { 'audit-mirror': { policy } } })))
}, 30_000)
afterAll(async () => {
  await world.close()
  const { topics } = await kafka.admin.scan({ atMs: Date.now() })
  await kafka.admin.deleteTopicById(topics.get(topic)!.topicId)
  await kafka.close()
  rmSync(folder, { recursive: true })
})

describe('an export', () => {
  const exported = join(folder, 'export')
  beforeAll(async () => {
    const said = await reeve('-c', config, 'audit', 'export', exported)
    expect(said, said.err).toMatchObject({ code: 0 })
  })

  test('is verified by its files, a key and a directory of checkpoints alone', async () => {
    const said = await reeve('audit', 'verify', '--export', exported, '--key', vkey, '--anchor', anchorFolder)
    expect(said, said.out + said.err).toMatchObject({ code: 0 })
    expect(said.out).toContain('VERIFIED')
  })
})
