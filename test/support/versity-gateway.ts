import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from './redis.ts'
import { until } from './replica.ts'

/** An S3 service of a test's own: versitygw over a folder, with versions and Object Lock. */
export interface Gateway {
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of its administrator. */
  readonly client: S3Client
  newBucket(name: string, locked: boolean): Promise<void>
  kill(): Promise<void>
}

export async function startGateway(program: string): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-gateway-'))
  for (const name of ['data', 'versions']) mkdirSync(join(folder, name))
  const address = `127.0.0.1:${await freePort()}`
  const [accessKeyId, secretAccessKey] = ['administrator', 'only-for-this-test']
  // By the environment, which is not seen in the list of processes.
  const env = { ...process.env, ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey }
  const words = ['--port', address, '--quiet', 'posix', '--versioning-dir', join(folder, 'versions'), join(folder, 'data')]
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'], env })
  let printed = ''
  child.stderr.on('data', chunk => (printed += String(chunk)))
  const ended = new Promise<void>(resolve => child.on('close', () => resolve()))
  const endpoint = `http://${address}`
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 })
  const answers = () => {
    if (child.exitCode !== null) throw new Error(`versitygw ended: ${printed}`)
    return fetch(endpoint).then(
      () => true,
      () => false
    )
  }
  await until('versitygw answers', answers)
  return {
    endpoint,
    accessKeyId,
    secretAccessKey,
    client,
    newBucket: async (name, locked) => void (await client.send(new CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: locked }))),
    async kill() {
      client.destroy()
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true })
    }
  }
}
