import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkout } from '#deploy/local/folders.ts'
import { NoSuchKafka } from '#deploy/local/libraries.ts'
import { startStack } from '#deploy/local/stack.ts'
import { stack } from '#test/support/stack.ts'

/** The oldest that Reeve is built against, and the newest that it is known to run on. */
const versions = ['4.1.1', '4.4.0']
/** What Reeve asks of a broker: the contracts of its admin calls and its reader, its appender, and the metadata log. */
const files = ['test/integration/admin.', 'test/integration/log-reader.', 'test/integration/appender.', 'test/integration/metadata-log.']

/** What vitest writes with its reporter `json`. */
interface Report {
  readonly numPassedTests: number
  readonly numPendingTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string; readonly failureMessages: readonly string[] }[]
  }[]
}

async function runOn(stackFile: string): Promise<Report> {
  const reportFile = join(dirname(stackFile), 'kafka-versions.json')
  const vitest = join(checkout, 'node_modules/.bin/vitest')
  const args = [
    'run',
    '--config',
    'test/vitest.config.ts',
    '--project',
    'integration',
    '--maxWorkers',
    '1',
    '--reporter',
    'json',
    '--outputFile',
    reportFile,
    ...files
  ]
  const child = spawn(vitest, args, { cwd: checkout, env: { ...process.env, REEVE_TEST_STACK: stackFile }, stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
  await new Promise(resolve => child.once('close', resolve))
  const text = await readFile(reportFile, 'utf8').catch(() => {
    throw new Error(`the tests did not run to their end: ${words}`)
  })
  return JSON.parse(text) as Report
}

/** The stack of this run where it is of that version, else one of its own; the reason where no such Kafka can be had. */
async function stackOf(kafkaVersion: string): Promise<{ readonly file: string } | NoSuchKafka> {
  if (stack().kafkaVersion === kafkaVersion) return { file: process.env['REEVE_TEST_STACK']! }
  const started = await startStack({ kafkaVersion, features: { 'share.version': 1 } }).catch((error: unknown) => {
    const cause = error instanceof Error ? error.cause : undefined
    if (cause instanceof NoSuchKafka) return cause
    throw error
  })
  if (!(started instanceof NoSuchKafka)) onTestFinished(() => started.stop())
  return started
}

test.for(versions)('what Reeve asks of a broker holds on Kafka %s', async (version, context) => {
  const found = await stackOf(version)
  if (found instanceof NoSuchKafka) {
    context.skip(found.message)
    return
  }
  const { numPassedTests, numPendingTests, testResults } = await runOn(found.file)
  console.log(`Kafka ${version}: ${numPassedTests} passed, ${numPendingTests} skipped, of ${testResults.length} files`)
  const failed = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const tests = assertionResults.filter(each => each.status === 'failed').map(each => `${each.fullName}: ${each.failureMessages.join('; ')}`)
    return tests.length > 0 ? tests : status === 'failed' ? [`${name}: ${message}`] : []
  })
  expect(failed).toEqual([])
  expect(numPassedTests).toBeGreaterThan(40)
})
