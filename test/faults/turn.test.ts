import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, expect, test } from 'vitest'
import { localFolder } from '#deploy/local/folders.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { startChild } from '#test/support/child-replica.ts'
import { names } from '#test/support/reeve-process.ts'
import { readTruth, until } from '#test/support/replica.ts'
import { randomFrom } from '#test/support/seeded.ts'
import { stack, superUser, unique } from '#test/support/stack.ts'

const kills = Number(process.env['REEVE_KILLS'] ?? 40)
const seed = Number(process.env['REEVE_SEED'] ?? Date.now() % 100_000)
const killsALeg = 20
const steps = ['scanned', 'observed', 'decided', 'intended', 'acted', 'recorded'] as const

/** How many whole legs are done, so that a run that was stopped goes on at the next when it is given the same seed. */
const folder = join(localFolder, 'faults')
const progress = join(folder, `turn-${seed}-${kills}.json`)

let kafka: Kafka
beforeAll(async () => {
  kafka = await openKafka(superUser())
  return () => kafka.close()
})

test(
  'kills of a replica at random steps and moments: each mark is made exactly once, and nothing stays open',
  async () => {
    console.log(`${kills} kills, seed ${seed}: repeat with REEVE_KILLS=${kills} REEVE_SEED=${seed}`)
    let killed = done()
    while (killed < kills) {
      const leg = killed / killsALeg
      killed += await killMany(seed * 1_000 + leg, Math.min(killsALeg, kills - killed), line => console.log(`leg ${leg + 1}: ${line}`))
      mkdirSync(folder, { recursive: true })
      writeFileSync(progress, JSON.stringify({ killed }))
    }
    rmSync(progress, { force: true })
    console.log(JSON.stringify({ seed, killed }))
    expect(killed).toBe(kills)
  },
  kills * 60_000
)

/** One leg on topics of its own: as many replicas one after the other as there are kills, each with a mark more to make, and one that ends it. */
async function killMany(legSeed: number, count: number, log: (line: string) => void): Promise<number> {
  const random = randomFrom(legSeed)
  const prefix = unique('turns')
  const { brokers, redisUrl } = stack()
  const start = (holder: string, standAt: string | undefined, marks: readonly string[]) => {
    const child = startChild({ brokers, redisUrl, prefix, holder, ...(standAt && { standAt }) })
    for (const mark of marks) child.say({ mark })
    return child
  }
  const marks: string[] = []
  for (let kill = 0; kill < count; kill++) {
    marks.push(`mark-${kill}`)
    // Else at any moment of its first turns, or before it leads.
    const standAt = random() < 0.75 ? steps[Math.floor(random() * steps.length)] : undefined
    const child = start(`replica-${kill}`, standAt, marks)
    try {
      if (standAt) await child.heard(`stands at ${standAt}`, ({ at }) => at === standAt, 60_000)
      else {
        await child.heard('stands by', ({ role }) => role === 'standby', 60_000)
        await sleep(random() * 4_000)
      }
    } finally {
      await child.kill()
    }
    log(`kill ${kill + 1}/${count} ${standAt ? `at ${standAt}` : 'at a random moment'}`)
  }
  const last = start('last', undefined, marks)
  try {
    await until('every mark stands', async () => (await readTruth(kafka, prefix)).standing.length === marks.length, 120_000)
  } finally {
    await last.stop()
  }
  const { control, journal, state } = await readTruth(kafka, prefix)
  expect(Object.fromEntries(control)).toEqual(Object.fromEntries(marks.map(mark => [mark, ['marked']])))
  expect([...state.entries('intent/')]).toEqual([])
  const outcomes = journal.filter(({ kind, what }) => (kind === 'outcome' || kind === 'healed') && what.endsWith(': done'))
  expect(outcomes.map(({ subject }) => subject).toSorted()).toEqual(marks.map(mark => `toy/mark/${mark}/0`).toSorted())
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of names(reeveTopics(prefix))) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  return count
}

function done(): number {
  try {
    const { killed } = JSON.parse(readFileSync(progress, 'utf8')) as { killed: number }
    console.log(`goes on after ${killed} kills of the run before`)
    return killed
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
}
