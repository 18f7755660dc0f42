import { expect, test } from 'vitest'
import { type AuditFault, runAuditFaults } from '../support/audit-writer-faults.ts'

test('an audit log whose writer is killed at three steps and taken over once has every event once, in its order', async () => {
  const seed = Number(process.env['REEVE_SEED'] ?? 11)
  console.log(`seed ${seed}`)
  const kill = (step: Extract<AuditFault, { kind: 'kill' }>['step'], count: number): AuditFault => ({ kind: 'kill', step, count })
  const plan: AuditFault[] = [kill('produced', 2), kill('committed', 2), kill('signed', 1), { kind: 'zombie' }]
  const report = await runAuditFaults({ plan, seed, eventsPerLog: 250, log: console.log })
  console.log(JSON.stringify(report))
  expect(report).toMatchObject({ kills: 3, zombies: 1 })
})
