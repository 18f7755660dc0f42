import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { longestUndeclaredMs, type Maintenance, type MaintenanceMemory, type MaintenanceWindow, seeMaintenance, settleMs } from './maintenance.ts'

const start = 1_000_000_000
const broker = (id: number) => ({ id, host: `b${id}`, port: 9092 })

/** Looks at a cluster one after another, half a minute apart. */
function looks(declared: readonly MaintenanceWindow[] = []) {
  let memory: MaintenanceMemory | null = null
  let atMs = start
  return {
    see(ids: readonly number[], reassigning: number | null = 0, times = 1): Maintenance | null {
      let now: Maintenance | null = null
      for (let each = 0; each < times; each++) {
        const seen = seeMaintenance(memory, { atMs, brokers: ids.map(broker), unseen: [] }, reassigning, declared)
        // As the state topic keeps it.
        memory = JSON.parse(JSON.stringify(seen.memory)) as MaintenanceMemory
        now = seen.now
        atMs += 30_000
      }
      return now
    }
  }
}

describe('a rolling restart', () => {
  test('one broker away, for however long, is a fault and no maintenance', () => {
    const cluster = looks()
    cluster.see([1, 2, 3])
    expect(cluster.see([1, 2], 0, 100)).toBeNull()
    expect(cluster.see([1, 2, 3])).toBeNull()
  })

  test('the second broker that goes after the first is back begins it; quiet ends it', () => {
    const cluster = looks()
    cluster.see([1, 2, 3])
    cluster.see([2, 3], 0, 3)
    expect(cluster.see([1, 2, 3], 0, 4)).toBeNull()
    expect(cluster.see([1, 3])).toEqual({ kind: 'rolling-restart', why: 'broker 2 is away, and broker 1 was before it', sinceMs: start + 8 * 30_000 })
    expect(cluster.see([1, 2, 3], 0, settleMs / 30_000)).toMatchObject({ kind: 'rolling-restart' })
    expect(cluster.see([1, 2, 3])).toBeNull()
  })

  test('the same broker twice is a fault', () => {
    const cluster = looks()
    for (let each = 0; each < 5; each++) {
      expect(cluster.see([1, 2, 3], 0, 2)).toBeNull()
      expect(cluster.see([1, 2], 0, 2)).toBeNull()
    }
  })

  test('two brokers away at once are a fault: none had come back', () => {
    const cluster = looks()
    cluster.see([1, 2, 3])
    cluster.see([2, 3])
    expect(cluster.see([3], 0, 10)).toBeNull()
  })

  test('a broker that does not answer counts as away', () => {
    const away = (memory: MaintenanceMemory | null, atMs: number, silent: string[]) =>
      seeMaintenance(memory, { atMs, brokers: [1, 2, 3].map(broker), unseen: silent.map(id => ({ kind: 'broker' as const, id, why: 'no answer' })) }, 0, [])
    let memory: MaintenanceMemory | null = null
    for (const [index, silent] of [[], ['1'], [], ['2']].entries()) memory = away(memory, start + index * 30_000, silent).memory
    expect(away(memory, start + 120_000, ['2']).now).toMatchObject({ kind: 'rolling-restart' })
  })
})

test('partitions that move suspend judgement until they have moved and it was quiet', () => {
  const cluster = looks()
  expect(cluster.see([1, 2, 3], 1)).toMatchObject({ kind: 'reassignment', why: '1 partition moves to other brokers' })
  expect(cluster.see([1, 2, 3], null, 20)).toMatchObject({ kind: 'reassignment' })
  expect(cluster.see([1, 2, 3], 0, 4)).toMatchObject({ kind: 'reassignment' })
  expect(cluster.see([1, 2, 3])).toBeNull()
  expect(cluster.see([1, 2, 3], null, 5)).toBeNull()
})

test('what lasts longer than anybody works is a fault, and judged again', () => {
  const cluster = looks()
  expect(cluster.see([1], 5, longestUndeclaredMs / 30_000)).not.toBeNull()
  expect(cluster.see([1], 5, 3)).toBeNull()
})

test('a declared window holds from its first moment to before its last, whatever is seen', () => {
  const cluster = looks([{ fromMs: start + 30_000, untilMs: start + 90_000, why: 'new disks' }])
  expect(cluster.see([1])).toBeNull()
  expect(cluster.see([1], null)).toEqual({ kind: 'declared', why: 'new disks', sinceMs: start + 30_000 })
  expect(cluster.see([])).toMatchObject({ kind: 'declared' })
  expect(cluster.see([1])).toBeNull()
})

test('whatever is seen, the memory stays small, and nothing is suspended without a window, a move or two brokers', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.subarray([1, 2, 3, 4]), fc.option(fc.nat(3))), { maxLength: 60 }), seen => {
      let memory: MaintenanceMemory | null = null
      const away = new Set<number>()
      let moved = false
      for (const [index, [ids, reassigning]] of seen.entries()) {
        const all = new Set([...Object.keys(memory?.brokers ?? {}).map(Number), ...ids])
        for (const id of all) if (!ids.includes(id)) away.add(id)
        moved ||= reassigning !== null && reassigning > 0
        const looked: ReturnType<typeof seeMaintenance> = seeMaintenance(
          memory,
          { atMs: start + index * 30_000, brokers: ids.map(broker), unseen: [] },
          reassigning,
          []
        )
        memory = looked.memory
        expect(Object.keys(memory.brokers).length).toBeLessThanOrEqual(4)
        if (looked.now) expect(moved || away.size >= 2).toBe(true)
      }
    })
  )
})
