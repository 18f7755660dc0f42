// A stack for a developer: node deploy/local/up.ts [--docker]. Stays until Ctrl-C.
import { withStack } from './with-stack.ts'

const started = performance.now()
const code = await withStack({ docker: process.argv.includes('--docker'), log: line => console.error(line) }, async (stack, stopping) => {
  const { brokers, saslBrokers, tlsBrokers, caFile, redisUrl } = stack.description
  console.log(`up after ${((performance.now() - started) / 1000).toFixed(1)} s; Ctrl-C ends it
  plain        ${brokers.join(',')}
  SASL/SCRAM   ${saslBrokers.join(',')}
  TLS          ${tlsBrokers.join(',')} (CA: ${caFile})
  Redis        ${redisUrl}
  users        in ${stack.file}
  tests on it  REEVE_TEST_STACK=${stack.file} node_modules/.bin/vitest run --config test/vitest.config.ts`)
  await stopping
  return 0
})
process.exit(code)
