import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lane } from './lane.ts'

const settle = () => new Promise<void>(resolve => setImmediate(resolve))

test('whoever comes while a name runs shares one further run, which begins after it', async () => {
  const lane = new Lane()
  const events: string[] = []
  const gates: (() => void)[] = []
  const turn = async () => {
    events.push('begin')
    await new Promise<void>(resolve => gates.push(resolve))
    events.push('end')
  }
  const runs = Array.from({ length: 20 }, () => lane.run('a', turn))
  await settle()
  expect([events, lane.isBusy('a'), lane.isBusy('b')]).toEqual([['begin'], true, false])
  gates.shift()!()
  await settle()
  expect(events).toEqual(['begin', 'end', 'begin'])
  const third = lane.run('a', turn)
  gates.shift()!()
  await Promise.all(runs)
  await settle()
  gates.shift()!()
  await third
  expect(events.length).toBe(6)
  await lane.idle()
  expect(lane.isBusy('a')).toBe(false)
})

test('a run that throws rejects for those who asked for it, and the next one runs', async () => {
  const lane = new Lane()
  const first = lane.run('a', async () => {
    await settle()
    throw new Error('first')
  })
  const second = lane.run('a', async () => undefined)
  await expect(first).rejects.toThrow('first')
  await expect(second).resolves.toBeUndefined()
})

test('for any interleaving no name runs twice at once, and every ask is followed by a whole run', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 25 }), async (scheduler, names) => {
      const lane = new Lane()
      const running = new Set<string>()
      const begun = new Map<string, number>()
      const asks = names.map((name, index) =>
        (async () => {
          await scheduler.schedule(Promise.resolve(index))
          const before = begun.get(name) ?? 0
          await lane.run(name, async () => {
            expect(running.has(name)).toBe(false)
            running.add(name)
            begun.set(name, (begun.get(name) ?? 0) + 1)
            await scheduler.schedule(Promise.resolve())
            running.delete(name)
          })
          expect(begun.get(name)).toBeGreaterThan(before)
        })()
      )
      await scheduler.waitFor(Promise.all(asks))
    }),
    { numRuns: 200 }
  )
})
