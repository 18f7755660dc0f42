// npm test and npm run test:faults: one stack of their own, every test on it, the counts as the last line.
import { parseArgs } from 'node:util'
import { startVitest } from 'vitest/node'
import { exitCodeOf, withStack } from '#deploy/local/with-stack.ts'
import { Collector } from './reporter.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    faults: { type: 'boolean', default: false },
    docker: { type: 'boolean', default: false },
    /** For the long fault runs. */
    kills: { type: 'string' },
    seed: { type: 'string' }
  }
})
if (values.kills !== undefined) process.env['REEVE_KILLS'] = wholeNumber('--kills', values.kills)
if (values.seed !== undefined) process.env['REEVE_SEED'] = wholeNumber('--seed', values.seed)

// A cluster named for `reeve run` is never the tests' own.
for (const name of ['KAFKA_BROKERS', 'REDIS_URL']) delete process.env[name]

const started = performance.now()
const code = await withStack({ docker: values.docker, features: { 'share.version': 1 }, log: line => console.error(line) }, (stack, stopping) => {
  console.log(`the stack is up after ${seconds()} s: ${stack.description.brokers.join(',')} and ${stack.description.redisUrl}`)
  process.env['REEVE_TEST_STACK'] = stack.file
  return Promise.race([runTests(), stopping.then(exitCodeOf)])
})
process.exit(code)

async function runTests(): Promise<number> {
  const collector = new Collector()
  const project = values.faults ? ['faults'] : ['unit', 'integration', 'faults-quick']
  const config = new URL('vitest.config.ts', import.meta.url).pathname
  const vitest = await startVitest('test', positionals, { config, project, watch: false, reporters: ['default', collector] })
  await vitest.close()
  const { passed, failed, lines } = collector.summary()
  if (passed + failed === 0) console.log('no test ran')
  console.log(`took ${seconds()} s\n${lines.join('\n')}`)
  return failed > 0 || passed === 0 ? 1 : 0
}

function seconds(): string {
  return ((performance.now() - started) / 1000).toFixed(1)
}

function wholeNumber(option: string, text: string): string {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${option} ${JSON.stringify(text)}: expected a whole number`)
  return text
}
