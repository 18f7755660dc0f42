import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { localFolder } from '#deploy/local/folders.ts'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { faultPlan, faultStack } from '../support/appender-fault-plan.ts'
import { type FaultReport, runAppenderFaults } from '../support/appender-faults.ts'

const kills = Number(process.env['REEVE_KILLS'] ?? 40)
const seed = Number(process.env['REEVE_SEED'] ?? Date.now() % 100_000)
const transactionVersion = process.env['REEVE_TRANSACTION_VERSION'] === undefined ? 'finalized' : Number(process.env['REEVE_TRANSACTION_VERSION'])
const killsALeg = 20

/** Whole legs that are done, so that a run that was stopped goes on at the next when it is given the same seed. */
const folder = join(localFolder, 'faults')
const progress = join(folder, `appender-${seed}-${kills}-${transactionVersion}.json`)

let stack: LocalStack
beforeAll(async () => {
  stack = await startStack(faultStack)
  process.env['REEVE_TEST_STACK'] = stack.file
})
afterAll(async () => stack?.stop())

test(
  'kills of the writer, of leaders and of coordinators lose nothing and write nothing twice',
  async () => {
    console.log(`${kills} kills, seed ${seed}: repeat with REEVE_KILLS=${kills} REEVE_SEED=${seed}`)
    const reports = done()
    for (let leg = reports.length; leg * killsALeg < kills; leg++) {
      const plan = faultPlan(seed * 1_000 + leg, Math.min(killsALeg, kills - leg * killsALeg))
      const report = await runAppenderFaults(stack, { plan, seed: seed * 1_000 + leg, transactionVersion, log: line => console.log(`leg ${leg + 1}: ${line}`) })
      console.log(`leg ${leg + 1}: ${JSON.stringify(report)}`)
      reports.push(report)
      mkdirSync(folder, { recursive: true })
      writeFileSync(progress, JSON.stringify(reports))
    }
    rmSync(progress, { force: true })
    const killed = reports.reduce((sum, { faults }) => sum + faults.process + faults.leader + faults.coordinator, 0)
    console.log(JSON.stringify({ seed, killed, records: reports.reduce((sum, { records }) => sum + records, 0) }))
    expect(killed).toBe(kills)
  },
  kills * 60_000
)

function done(): FaultReport[] {
  try {
    const reports = JSON.parse(readFileSync(progress, 'utf8')) as FaultReport[]
    console.log(`goes on after leg ${reports.length} of the run before`)
    return reports
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
