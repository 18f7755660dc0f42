import { expect, test } from 'vitest'
import { auditFaultPlan, runAuditFaults } from '../support/audit-writer-faults.ts'

const kills = Number(process.env['REEVE_KILLS'] ?? 60)
const seed = Number(process.env['REEVE_SEED'] ?? Date.now() % 100_000)

test.each([1, 3])(
  'kills at every step of the append loop, zombies and stalls lose no event of an audit topic of %i chains and write none twice',
  async chains => {
    console.log(`${kills} kills, seed ${seed}: repeat with --kills ${kills} --seed ${seed}`)
    const plan = auditFaultPlan(seed, kills, { zombies: Math.ceil(kills / 25), stalls: Math.ceil(kills / 100) })
    const report = await runAuditFaults({ plan, seed, eventsPerLog: 1_500, chains, log: console.log })
    console.log(JSON.stringify({ seed, ...report }))
    expect(report.kills).toBe(kills)
  },
  kills * 20_000 + 60_000
)
