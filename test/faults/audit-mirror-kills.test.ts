import { expect, test } from 'vitest'
import { runMirrorKills } from '../support/mirror-kills.ts'
import { stack } from '../support/stack.ts'

const kills = Number(process.env['REEVE_KILLS'] ?? 50)
const seed = Number(process.env['REEVE_SEED'] ?? Date.now() % 100_000)

test(
  'whole mirrors that are killed at every step and by chance write each event once, and what one says that nobody killed',
  async () => {
    console.log(`${kills} kills, seed ${seed}: repeat with --kills ${kills} --seed ${seed}`)
    const report = await runMirrorKills({ seed, kills, killsPerTopic: 25, controllers: stack().controllers, log: console.log })
    expect(report.kills).toBe(kills)
  },
  kills * 20_000 + 120_000
)
