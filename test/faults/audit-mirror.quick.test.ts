import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MirrorWorld, openMirrorWorld, requireSameBodies } from '../support/audit-mirror-world.ts'
import { stack } from '../support/stack.ts'

const seed = Number(process.env['REEVE_SEED'] ?? 11)
let world: MirrorWorld
beforeAll(async () => {
  world = await openMirrorWorld({ seed, controllers: stack().controllers })
})
afterAll(() => world?.close())

test('a mirror whose leader is killed while it writes is taken over by its standby, and says what one says that nobody killed', async () => {
  console.log(`seed ${seed}`)
  const faulty = world.mirror('faulty')
  const calm = world.mirror('calm')
  // Longer than a busy machine lets a process wait: only the kill makes the other one take over.
  const takeOverAfterMs = 4_000
  const first = faulty.start({ step: 'produced', count: 6, takeOverAfterMs })
  const reference = calm.start()
  await first.leads()
  const second = faulty.start({ takeOverAfterMs })
  await reference.leads()
  await world.load(10)
  await second.leads()
  await world.load(6)
  await world.closing()
  await Promise.all([world.settled(faulty), world.settled(calm)])
  const compared = requireSameBodies(await world.read(faulty), await world.read(calm), world.linesTopic)
  console.log(`${compared} events are the same`)
  expect(first.child.signalCode, first.printed()).toBe('SIGKILL')
  expect(compared).toBeGreaterThan(40)
}, 60_000)
