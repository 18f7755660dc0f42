import { beforeAll, describe, expect, test } from 'vitest'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { type ChildOptions, type ChildReplica, startChild } from '#test/support/child-replica.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { ownRedis } from '#test/support/redis.ts'
import { stack, superUser, unique } from '#test/support/stack.ts'

const steps = ['scanned', 'observed', 'decided', 'intended', 'acted', 'recorded'] as const
let kafka: Kafka
beforeAll(async () => {
  kafka = await openKafka(superUser())
  return () => kafka.close()
})

/** Starts children for one test and kills what is left of them at its end. */
async function withChildren(work: (start: (options: Partial<ChildOptions> & { prefix: string }) => ChildReplica) => Promise<void>): Promise<void> {
  const children: ChildReplica[] = []
  try {
    await work(options => {
      const child = startChild({ brokers: stack().brokers, redisUrl: stack().redisUrl, holder: 'first', ...options })
      children.push(child)
      return child
    })
  } finally {
    await Promise.all(children.map(child => child.kill()))
  }
}

const leads = ({ role }: Record<string, unknown>) => role === 'leader'

const marked = async (prefix: string, subject: string) => (await readTruth(kafka, prefix)).standing.includes(`toy/mark/${subject}/0`)

describe.concurrent.each(steps)('at the step %s', standAt => {
  test('kill -9 forgets nothing and does nothing twice', () =>
    withChildren(async start => {
      const prefix = unique('kill')
      const first = start({ prefix, standAt })
      first.say({ mark: 'a' })
      await first.heard(`stands at ${standAt}`, ({ at }) => at === standAt)
      await first.kill()
      const second = start({ prefix, holder: 'second' })
      second.say({ mark: 'a' })
      await second.heard('leads', leads)
      await second.heard('took a turn', ({ tick }) => tick === 'toy')
      await until('the mark stands', () => marked(prefix, 'a'), 30_000)
      const { control, journal, state } = await readTruth(kafka, prefix)
      expect(control.get('a')).toEqual(['marked'])
      expect(
        journal
          .filter(({ kind, subject }) => (kind === 'outcome' || kind === 'healed') && subject === 'toy/mark/a/0')
          .filter(({ what }) => what.endsWith(': done')).length
      ).toBe(1)
      expect([...state.entries('intent/')]).toEqual([])
      expect(state.get('lease')).toMatchObject({ epoch: 2 })
    }))

  test('a Redis that is wiped costs at most one turn', () =>
    withChildren(async start => {
      const prefix = unique('flush')
      const redis = await ownRedis()
      await redis.start()
      try {
        const only = start({ prefix, standAt, redisUrl: redis.url })
        only.say({ mark: 'a' })
        await only.heard(`stands at ${standAt}`, ({ at }) => at === standAt)
        await redis.command('FLUSHALL')
        only.say({ go: true })
        await until('the mark stands', () => marked(prefix, 'a'), 30_000)
        const before = only.lines.filter(({ tick }) => tick === 'toy').length
        await until('turns go on', () => only.lines.filter(({ tick }) => tick === 'toy').length > before + 2)
        expect((await readTruth(kafka, prefix)).control.get('a')).toEqual(['marked'])
      } finally {
        await redis.remove()
      }
    }))
})

test.concurrent.each(['intended', 'acted'])('a leader stopped at %s past its lease does nothing when it goes on: it was fenced', standAt =>
  withChildren(async start => {
    const prefix = unique('stop')
    const first = start({ prefix, standAt })
    first.say({ mark: 'a' })
    await first.heard(`stands at ${standAt}`, ({ at }) => at === standAt)
    first.child.kill('SIGSTOP')
    const second = start({ prefix, holder: 'second' })
    second.say({ mark: 'a' })
    await until('the mark stands', () => marked(prefix, 'a'), 30_000)
    first.child.kill('SIGCONT')
    first.say({ go: true })
    await first.heard('it stands by', () => first.lines.filter(({ role }) => role === 'standby').length >= 2)
    const { control, state } = await readTruth(kafka, prefix)
    expect(control.get('a')).toEqual(['marked'])
    expect(state.get('lease')).toMatchObject({ holder: 'second', epoch: 2 })
  })
)

test.concurrent.each([40, -40])('a clock that is %i days off is outvoted by Redis and the broker', days =>
  withChildren(async start => {
    const prefix = unique('clock')
    const only = start({ prefix, clockOffsetMs: days * 86_400_000 })
    only.say({ mark: 'a' })
    await only.heard('leads', leads)
    await until('the mark stands', () => marked(prefix, 'a'), 30_000)
    const { state } = await readTruth(kafka, prefix)
    expect(Math.abs((state.get('observer') as { atMs: number }).atMs - Date.now())).toBeLessThan(30_000)
  })
)
