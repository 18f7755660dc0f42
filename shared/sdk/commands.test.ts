import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  afterRecord,
  afterTime,
  type Clock,
  commandFor,
  commandToAcknowledge,
  type CommandTable,
  emptyTable,
  forWholeMember,
  inForce,
  remainingMs
} from './commands.ts'
import { type Command, controlKey, type Target } from './protocol.ts'

const group = { clusterId: 'c', groupId: 'g' }
const dayMs = 86_400_000

function command(changes: Partial<Command> = {}): Command {
  return { version: 1, commandId: 'one', state: 'paused', issuedAtMs: 0, untilMs: 60_000, ttlMs: 60_000, reason: 'r', issuer: 'i', ...changes }
}
function record(target: Partial<Target>, value: Command | Buffer | null): { key: Buffer; value: Buffer | null } {
  const bytes = value === null || Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value))
  return { key: Buffer.from(controlKey({ ...group, ...target })), value: bytes }
}
function tableOf(...records: ReturnType<typeof record>[]): CommandTable {
  return records.reduce((table, each) => afterRecord(table, each, group, 0), emptyTable)
}
function clock(nowMs: number, monotonicMs = nowMs): Clock {
  return { nowMs: () => nowMs, monotonicMs: () => monotonicMs }
}

describe('which command rules a partition', () => {
  const whole = record({}, command({ commandId: 'whole' }))
  const topic = record({ topic: 't' }, command({ commandId: 'topic', state: 'running' }))
  const partition = record({ topic: 't', partition: 1 }, command({ commandId: 'partition' }))

  test('the most specific one in force wins, in whatever order they were read', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([whole, topic, partition], { minLength: 3 }), records => {
        const table = tableOf(...records)
        expect(commandFor(table, 't', 1)?.commandId).toBe('partition')
        expect(commandFor(table, 't', 0)?.commandId).toBe('topic')
        expect(commandFor(table, 'other', 1)?.commandId).toBe('whole')
        expect(commandToAcknowledge(table)?.commandId).toBe('whole')
      })
    )
  })

  test('a tombstone leaves the rule to the next coarser command', () => {
    const table = tableOf(whole, topic, partition, record({ topic: 't', partition: 1 }, null))
    expect(commandFor(table, 't', 1)?.commandId).toBe('topic')
    expect(commandFor(tableOf(whole, record({}, null)), 't', 1)).toBeNull()
  })

  test('one that has lapsed leaves the rule to the next coarser command', () => {
    const short = record({ topic: 't', partition: 1 }, command({ commandId: 'short', ttlMs: 5 }))
    const table = afterTime(tableOf(whole, short), clock(10))
    expect(commandFor(table, 't', 1)?.commandId).toBe('whole')
  })

  test('with none for the whole group, the latest issued for a part of it is acknowledged', () => {
    const early = record({ topic: 'z' }, command({ commandId: 'early', issuedAtMs: 1 }))
    const late = record({ topic: 'a' }, command({ commandId: 'late', issuedAtMs: 2 }))
    expect(commandToAcknowledge(tableOf(late, early))?.commandId).toBe('late')
    expect(commandToAcknowledge(emptyTable)).toBeNull()
  })
})

describe('records that are not for us', () => {
  test('another group, another cluster and any garbage leave the table as it was', () => {
    const table = tableOf(record({}, command()))
    const foreign = [
      record({ groupId: 'g2' }, command({ state: 'running' })),
      record({ clusterId: 'c2' }, null),
      { key: null, value: Buffer.from('x') },
      { key: Buffer.from('c/g/'), value: null }
    ]
    for (const each of foreign) expect(afterRecord(table, each, group, 0)).toBe(table)
    fc.assert(
      fc.property(fc.uint8Array(), fc.option(fc.uint8Array()), (key, value) => {
        expect(afterRecord(table, { key: Buffer.from(key), value: value && Buffer.from(value) }, group, 0)).toBe(table)
      })
    )
  })

  test('garbage at a key of ours never pauses: what compaction would leave is what counts', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.boolean(), (bytes, afterPause) => {
        const table = tableOf(...(afterPause ? [record({}, command())] : []), record({}, Buffer.from(bytes)))
        expect(commandFor(table, 't', 0)).toBeNull()
        expect([...table.unreadable]).toEqual(['c/g'])
      })
    )
  })

  test('a command after the garbage is obeyed, and a tombstone clears the complaint', () => {
    expect(commandFor(tableOf(record({}, Buffer.from('{')), record({}, command())), 't', 0)?.commandId).toBe('one')
    expect(tableOf(record({}, Buffer.from('{')), record({}, null)).unreadable.size).toBe(0)
  })
})

describe('expiry', () => {
  test('a command lets go at untilMs or ttlMs after it was read, whichever is first', () => {
    const held = (untilMs: number, ttlMs: number) => inForce(tableOf(record({}, command({ untilMs, ttlMs }))))[0]!
    expect(remainingMs(held(100, 500), clock(40))).toBe(60)
    expect(remainingMs(held(500, 100), clock(40))).toBe(60)
    expect(remainingMs(held(500, 100), clock(-40 * dayMs, 100))).toBe(0)
    expect(remainingMs(held(500, 100), clock(40 * dayMs, 0))).toBeLessThan(0)
  })

  test('whatever the wall clock does, a command is let go within ttlMs of being read', () => {
    fc.assert(
      fc.property(fc.integer({ min: -40 * dayMs, max: 40 * dayMs }), fc.nat(dayMs), fc.integer(), (wallMs, ttlMs, untilMs) => {
        const table = tableOf(record({}, command({ ttlMs, untilMs })))
        expect(inForce(afterTime(table, clock(wallMs, ttlMs)))).toEqual([])
      })
    )
  })

  test('once let go it stays so, though the wall clock goes back and the record is read again', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ wallMs: fc.integer({ min: -dayMs, max: dayMs }), readAgain: fc.boolean() }), { minLength: 1 }), steps => {
        let table = tableOf(record({}, command()))
        let released = false
        steps.forEach(({ wallMs, readAgain }, index) => {
          if (readAgain) table = afterRecord(emptyTable, record({}, command()), group, index, table)
          table = afterTime(table, clock(wallMs, index))
          released ||= wallMs >= 60_000
          expect(inForce(table)).toHaveLength(released ? 0 : 1)
        })
      })
    )
  })

  test('reading the same command again does not extend it, a new command starts anew', () => {
    const first = tableOf(record({}, command({ ttlMs: 100, untilMs: dayMs })))
    const again = afterRecord(emptyTable, record({}, command({ ttlMs: 100, untilMs: dayMs })), group, 90, first)
    expect(inForce(afterTime(again, clock(0, 100)))).toEqual([])
    const renewed = afterRecord(again, record({}, command({ commandId: 'two', ttlMs: 100, untilMs: dayMs })), group, 90)
    expect(inForce(afterTime(renewed, clock(0, 100)))).toHaveLength(1)
  })

  test('a command already over when it is read never takes effect', () => {
    expect(inForce(afterTime(tableOf(record({}, command({ untilMs: 5 }))), clock(10, 0)))).toEqual([])
  })

  test('time changes nothing that is not due', () => {
    const table = tableOf(record({}, command()))
    expect(afterTime(table, clock(59_999))).toBe(table)
  })
})

describe('a member that can only pause everything that it reads', () => {
  const paused = (commandId: string) => command({ commandId })
  const running = (commandId: string) => command({ commandId, state: 'running' })
  const answer = (...records: ReturnType<typeof record>[]) => {
    const { held, refused } = forWholeMember(tableOf(...records))
    return [held, refused.map(({ commandId }) => commandId)]
  }

  test('holds for a command for the group, and for nothing less', () => {
    expect(answer()).toEqual([false, []])
    expect(answer(record({}, paused('whole')))).toEqual([true, []])
    expect(answer(record({}, running('whole')))).toEqual([false, []])
    expect(answer(record({ topic: 't' }, paused('topic')))).toEqual([false, ['topic']])
    expect(answer(record({ topic: 't', partition: 0 }, paused('partition')))).toEqual([false, ['partition']])
    expect(answer(record({}, paused('whole')), record({ topic: 't', partition: 0 }, paused('partition')))).toEqual([true, []])
  })

  test('refuses the pause of a group of which a part is to run, until that exception has lapsed', () => {
    const records = [record({}, paused('whole')), record({ topic: 't' }, { ...running('topic'), ttlMs: 1_000 })]
    expect(answer(...records)).toEqual([false, ['whole', 'topic']])
    expect(forWholeMember(afterTime(tableOf(...records), clock(2_000)))).toEqual({ held: true, refused: [] })
  })

  test('never holds a partition that the commands let run', () => {
    const target = fc.constantFrom<Partial<Target>>({}, { topic: 't' }, { topic: 't', partition: 0 }, { topic: 'u', partition: 1 })
    const state = fc.constantFrom<Command['state']>('paused', 'running')
    fc.assert(
      fc.property(fc.array(fc.tuple(target, state), { maxLength: 6 }), all => {
        const table = tableOf(...all.map(([each, is], index) => record(each, command({ commandId: String(index), state: is }))))
        if (!forWholeMember(table).held) return
        for (const [topic, partition] of [
          ['t', 0],
          ['t', 1],
          ['u', 1],
          ['v', 0]
        ] as const)
          expect(commandFor(table, topic, partition)?.state).toBe('paused')
      })
    )
  })
})
