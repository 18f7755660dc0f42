import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { auditTopicSettings } from '../audit-log/topic.ts'
import { audit, auditedFacts, auditFinding, auditTopic, disk } from '#test/support/doctor-audit.ts'
import { settings, view } from '#test/support/doctor-facts.ts'
import type { AuditFacts } from './audit-facts.ts'
import { auditCapacityFindings } from './checks/audit-capacity.ts'
import type { Facts } from './facts.ts'

const day = 86_400_000

describe('ten years beside the disks', () => {
  const of = (changes: Partial<AuditFacts>, more: Partial<Facts> = {}) => auditFinding('audit-capacity', changes, more)
  const disks = (...all: ReturnType<typeof disk>[]): Partial<AuditFacts> => ({ disks: { value: { value: all, unseen: [] } } })
  const three = (sizes: number[], usable: number | null = 500e9) => disks(...[1, 2, 3].map(broker => disk(broker, sizes, usable)))

  test('are computed from what the log has taken since it began', () => {
    expect(of({})).toMatchObject({
      severity: 'ok',
      what: `${auditTopic} grows by 10 MB a day (measured over 10 days); ten years with 3 replicas are 110 GB; its fullest disk (broker 1: /kafka) needs 36.4 GB and has 500 GB free`,
      figures: {
        bytesPerDay: 10e6,
        measuredOverMs: 10 * day,
        sizeBytes: 100e6,
        replicas: 3,
        tenYearBytes: 36_525 * 1e6 * 3,
        freeBytes: 1_500e9,
        fullAfterMs: null
      }
    })
  })

  test('go by the last seven days where these brought more', () => {
    const recent: AuditFacts['recent'] = { value: [{ topic: auditTopic, partition: 0, offset: 100, broker: 1, timestampMs: 993 * day }] }
    expect(of({ recent })?.figures).toMatchObject({ bytesPerDay: Math.round(90e6 / 7), measuredOverMs: 7 * day })
    expect(of({ recent: { value: [] } })?.figures).toMatchObject({ bytesPerDay: 10e6 })
    expect(of({ recent: { why: 'away' } })?.figures).toMatchObject({ bytesPerDay: 10e6 })
  })

  test('that a disk has no room for are a warning that says when it is full, and whether a topic a year would do', () => {
    const tight = of(disks(disk(1, [100e6], 10e9), disk(2, [100e6]), disk(3, [100e6])))
    expect(tight).toMatchObject({
      severity: 'warning',
      what: expect.stringMatching(/more than its disks have: broker 1: \/kafka is full of it in 2\.7 years$/)
    })
    expect(tight?.why[1]).toContain('a topic a year, each on other disks, is enough')
    expect(tight?.figures).toMatchObject({ fullAfterMs: 1_000 * day, freeBytes: 1_010e9 })
    const all = of(three([100e6], 10e9))
    expect(all?.why[1]).toContain('no room for it either: tiered storage')
    expect(all?.remedy[1]).toMatch(/^kafka-configs .*remote\.storage\.enable=true/)
  })

  test('of several partitions go by what lies on each disk', () => {
    const topic = { value: view({ topics: { [auditTopic]: [1, 2, 3].map(end => ({ end: end * 100, replicas: 1 })) } }) }
    const spread = disks(
      { ...disk(1, []), replicas: [{ topic: auditTopic, partition: 0, sizeBytes: 30e6 }] },
      { ...disk(2, [], 20e9), replicas: [{ topic: auditTopic, partition: 1, sizeBytes: 10e6 }] },
      { ...disk(3, []), replicas: [{ topic: auditTopic, partition: 2, sizeBytes: 60e6 }] }
    )
    const told = of({ ...spread, recent: { value: [] } }, { view: topic })
    expect(told).toMatchObject({ severity: 'ok', figures: { bytesPerDay: 10e6, replicas: 1, tenYearBytes: 36_525e6 } })
    expect(told?.what).toMatch(/its fullest disk \(broker 2: \/kafka\) needs 3\.64 GB and has 20 GB free$/)
  })

  test.each<[string, Partial<AuditFacts>, string]>([
    [
      'a log of hours',
      { oldest: { value: [{ topic: auditTopic, partition: 0, offset: 0, broker: 1, timestampMs: 1_000 * day - 7_200_000 }] } },
      'younger than a day (100 MB in 2 hours so far)'
    ],
    ['a log without records', { oldest: { value: [] } }, 'it holds no record yet (100 MB so far)'],
    ['brokers that tell no sizes', { disks: { why: 'CLUSTER_AUTHORIZATION_FAILED' } }, 'CLUSTER_AUTHORIZATION_FAILED'],
    [
      'no broker that holds it',
      { disks: { value: { value: [], unseen: [{ id: 'broker 1', why: 'TIMED_OUT' }] } } },
      `no broker tells the size of ${auditTopic}-0: TIMED_OUT`
    ],
    ['no times', { oldest: { why: 'away' } }, 'away'],
    ['disks that say nothing of themselves', three([100e6], null), 'how much room its disks have is not known'],
    [
      'one broker that is away',
      { disks: { value: { value: [disk(1, [100e6]), disk(2, [100e6])], unseen: [{ id: 'broker 3', why: 'TIMED_OUT' }] } } },
      'broker 3: TIMED_OUT'
    ]
  ])('are unknown, and not nothing, for %s', (_name, changes, text) => {
    const told = of(changes)
    expect(told?.severity).toBe('unknown')
    expect(told?.what).toContain(text)
    expect(told?.figures?.['fullAfterMs'] ?? null).toBeNull()
  })

  test('are unknown where tiered storage holds a part that no broker tells the size of', () => {
    const settingsOf = settings({ ...auditTopicSettings(auditTopic, 1, 3).configs, 'remote.storage.enable': 'true' })
    expect(of({}, { topicSettings: { value: new Map([[auditTopic, settingsOf]]) } })).toMatchObject({ severity: 'unknown', figures: { bytesPerDay: null } })
  })

  test('never have a sum that is no number, whatever sizes, ages and rooms there are', () => {
    const amount = fc.maxSafeNat()
    const base = auditedFacts()
    const at = { topic: auditTopic, broker: 1, partition: 0 }
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 3 }),
        fc.option(amount),
        fc.nat({ max: 5_000 }),
        fc.nat({ max: 1_000 }),
        (sizes, usable, ageDays, from) => {
          const log = audit({
            ...three(sizes, usable),
            oldest: { value: [{ ...at, offset: 0, timestampMs: (1_000 - ageDays) * day }] },
            recent: { value: [{ ...at, offset: from, timestampMs: 0 }] }
          })
          const topic = { value: view({ topics: { [auditTopic]: sizes.map(() => ({ end: 1_000, replicas: 3 })) } }) }
          const [told] = auditCapacityFindings({ ...base, view: topic }, log)
          expect(told?.what).not.toMatch(/NaN|undefined|Infinity| -\d|e[+-]\d/)
          for (const figure of Object.values(told?.figures ?? {})) expect(figure === null || (Number.isFinite(figure) && figure >= 0)).toBe(true)
          if (ageDays < 1) expect(told?.severity).toBe('unknown')
        }
      )
    )
  })
})
