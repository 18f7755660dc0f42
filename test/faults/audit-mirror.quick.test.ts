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
  const first = faulty.start({ step: 'produced', count: 6 })
  const reference = calm.start()
  await first.leads()
  const second = faulty.start()
  await reference.leads()
  await world.load(10)
  await second.leads()
  await world.load(6)
  await world.closing()
  await Promise.all([world.settled(faulty), world.settled(calm)])
  const compared = requireSameBodies(await world.read(faulty), await world.read(calm), world.linesTopic)
  console.log(`${compared} events are the same`)
  expect(first.child.signalCode).toBe('SIGKILL')
  expect(compared).toBeGreaterThan(40)
}, 60_000)
