import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { type Fault, runAppenderFaults } from '../support/appender-faults.ts'
import { faultStack } from '../support/appender-fault-plan.ts'

let stack: LocalStack
beforeAll(async () => {
  stack = await startStack(faultStack)
  process.env['REEVE_TEST_STACK'] = stack.file
})
afterAll(async () => stack?.stop())

test('four kills and a zombie lose nothing and write nothing twice', async () => {
  const seed = Number(process.env['REEVE_SEED'] ?? 7)
  console.log(`seed ${seed}`)
  const plan: Fault[] = [
    { kind: 'process', meanwhile: 0 },
    { kind: 'zombie', meanwhile: 0 },
    { kind: 'coordinator', meanwhile: 2 }
  ]
  const report = await runAppenderFaults(stack, { plan, seed, log: console.log })
  console.log(JSON.stringify(report))
  expect(report.records).toBeGreaterThan(0)
})
