import { afterEach, expect, test } from 'vitest'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { newRequest, requestRecord } from '#shared/engine/requests.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { type Bench, type BenchOptions, readTruth, startReplica, until } from '#test/support/replica.ts'
import { superUser, unique } from '#test/support/stack.ts'
import { toyAgent, type Wishes } from '#test/support/toy-agent.ts'

const opened: { kafka: Kafka; benches: Bench[] }[] = []
afterEach(async () => {
  for (const { kafka, benches } of opened.splice(0)) {
    for (const bench of benches) await bench.stop().catch(() => {})
    await kafka.close()
  }
})

async function world(prefix = unique('engine')) {
  const kafka = await openKafka(superUser())
  const benches: Bench[] = []
  opened.push({ kafka, benches })
  const wishes: Wishes = { mark: new Set(), undo: new Set(), tell: new Set() }
  const start = async (extra: Partial<BenchOptions> = {}) => {
    const bench = await startReplica({ kafka, prefix, agent: toyAgent(wishes), ...extra })
    benches.push(bench)
    return bench
  }
  const leading = async (extra: Partial<BenchOptions> = {}) => {
    const bench = await start(extra)
    await until('it leads', () => bench.replica.leadership?.ready === true)
    return bench
  }
  const turn = async (bench: Bench) => {
    await bench.tick('observer')
    await bench.tick('toy')
  }
  const say = async (kind: Parameters<typeof newRequest>[0], subject: string) => {
    const appender = await kafka.openAppender(unique('say'))
    await appender.fence()
    const { offsets } = await appender.append([requestRecord(reeveTopics(prefix).requests, newRequest(kind, subject, 'ann', 'a test', Date.now()))])
    await appender.close()
    // A commit is acknowledged a moment before readers see it.
    const reader = await kafka.openReader()
    await reader.assign(reeveTopics(prefix).requests, 0, offsets[0]!)
    let seen = 0
    await until('it can be read', async () => {
      await reader.readToEnd(() => seen++)
      return seen > 0
    })
    await reader.close()
  }
  /** What the topics say, once they say all that the leader has committed. */
  const truth = async () => {
    const committed = Math.max(0, ...benches.map(({ replica }) => replica.leadership?.leader.store.sequence ?? 0))
    let found = await readTruth(kafka, prefix)
    await until('what was committed can be read', async () => {
      if (found.state.sequence < committed) found = await readTruth(kafka, prefix)
      return found.state.sequence >= committed
    })
    return found
  }
  return { kafka, prefix, wishes, start, leading, turn, say, truth }
}

test('a turn records its intent, does it, records the outcome, and does it once', async () => {
  const { wishes, leading, turn, truth } = await world()
  const bench = await leading()
  wishes.mark.add('a')
  await turn(bench)
  await turn(bench)
  const { standing, journal, control } = await truth()
  expect(standing).toEqual(['toy/mark/a/0'])
  expect(control.get('a')).toEqual(['marked'])
  expect(journal.map(({ kind }) => kind)).toEqual(['leadership', 'intent', 'outcome'])
  expect(journal.at(-1)).toMatchObject({ subject: 'toy/mark/a/0', epoch: 1, agent: 'toy', what: 'mark a: done' })
})

test('an undo ends what stands, and a person may ask for it', async () => {
  const { wishes, leading, turn, say, truth } = await world()
  const bench = await leading()
  wishes.mark.add('a').add('b')
  await turn(bench)
  wishes.mark.clear()
  wishes.undo.add('a')
  await say('undo', 'toy/mark/b/0')
  await until('the request was taken', async () => [...(await truth()).state.entries('request/')].length === 1)
  await turn(bench)
  await turn(bench)
  const { standing, control, state } = await truth()
  expect(standing).toEqual([])
  expect(control.get('a')).toEqual(['marked', 'cleared'])
  expect(control.get('b')).toEqual(['marked', 'cleared'])
  expect([...state.entries('request/')]).toEqual([])
})

test('dry-run writes what it would have done and changes nothing', async () => {
  const { wishes, leading, turn, truth } = await world()
  const bench = await leading({ act: false })
  wishes.mark.add('a')
  await turn(bench)
  await turn(bench)
  const { standing, journal, control } = await truth()
  expect(standing).toEqual([])
  expect(control.size).toBe(0)
  expect(journal.filter(({ kind }) => kind === 'refused').map(({ what }) => what)).toEqual([expect.stringContaining('dry-run')])
})

test('the kill switch is read between the intent and the effect', async () => {
  const { wishes, leading, turn, say, truth } = await world()
  let halted = false
  const bench = await leading({
    hooks: {
      async step(name) {
        if (name !== 'intended' || halted) return
        halted = true
        await say('halt', '')
      }
    }
  })
  wishes.mark.add('a')
  await turn(bench)
  expect((await truth()).control.size).toBe(0)
  await turn(bench)
  const { control, journal } = await truth()
  expect(control.size).toBe(0)
  expect(journal.find(({ kind }) => kind === 'refused')?.what).toContain('halted by ann')
})

test('release-all gives everything back and halts', async () => {
  const { wishes, leading, turn, say, truth } = await world()
  const bench = await leading()
  wishes.mark.add('a').add('b')
  await turn(bench)
  await say('release-all', '')
  await until('it was taken', async () => (await truth()).state.get('halt') !== undefined)
  await turn(bench)
  const { standing, control } = await truth()
  expect(standing).toEqual([])
  expect([...control.values()].map(values => values.at(-1))).toEqual(['cleared', 'cleared'])
})

test('a cap refuses with numbers until a person approves the checksum', async () => {
  const { wishes, leading, turn, say, truth } = await world()
  const limits = { maxActions: 1, maxPercent: 100, percentMinimum: 100, maxPerOwner: 100, freeze: [], holds: [] }
  const bench = await leading({ settings: { limits } })
  wishes.mark.add('a').add('b')
  await turn(bench)
  const { state, control } = await truth()
  const plan = state.get('plan/toy') as { checksum: string; refused: { because: string }[] }
  expect(control.size).toBe(0)
  expect(plan.refused[0]!.because).toContain('2 planned and 0 in force make 2, above the cap of 1')
  await say('approve', plan.checksum)
  await until('the approval was taken', async () => (await truth()).state.get(`approval/${plan.checksum}`) !== undefined)
  await turn(bench)
  expect((await truth()).standing.length).toBe(2)
  expect((await truth()).state.get(`approval/${plan.checksum}`)).toBeUndefined()
})

test('a standby takes over from a leader that left, reads its memory and leads in the next epoch', async () => {
  const { wishes, leading, start, turn, truth } = await world()
  const first = await leading({ holder: 'first' })
  wishes.mark.add('a')
  await turn(first)
  const second = await start({ holder: 'second' })
  await until('second stands by', () => second.roles.includes('standby'))
  await first.stop()
  await until('second leads', () => second.replica.leadership?.ready === true)
  await turn(second)
  const { state, control } = await truth()
  expect(state.get('lease')).toMatchObject({ holder: 'second', epoch: 2 })
  expect(state.get('memory/toy/turns')).toEqual({ turns: 2 })
  expect(control.get('a')).toEqual(['marked'])
})

test('two healthy replicas do not fence each other', async () => {
  const { leading, start, truth } = await world()
  const first = await leading({ holder: 'first' })
  const second = await start({ holder: 'second' })
  await new Promise(resolve => setTimeout(resolve, 3 * 2_000))
  expect((await truth()).state.get('lease')).toMatchObject({ holder: 'first', epoch: 1 })
  expect(second.roles).toEqual(['standby'])
  expect(first.roles).toEqual(['standby', 'leader'])
})

test('a message is delivered once, however many turns say it', async () => {
  const { wishes, leading, turn, truth } = await world()
  const bench = await leading()
  wishes.tell.add('x')
  await turn(bench)
  await turn(bench)
  await until('it was told', () => bench.delivered.length > 0)
  await turn(bench)
  await until('its fate is recorded', async () => (await truth()).journal.some(({ what }) => what.includes('delivered')))
  expect(bench.delivered.map(({ key }) => key)).toEqual(['x/told'])
  expect((await truth()).state.get('notice/toy/x/told')).toMatchObject({ state: 'delivered' })
})

test('state written by a newer release is refused with one sentence, and what an older one wrote is read', async () => {
  const { kafka, prefix, leading, start, truth } = await world()
  const first = await leading()
  await first.stop()
  expect((await truth()).state.get('format')).toEqual({ version: 1 })
  const appender = await kafka.openAppender(unique('newer'))
  await appender.fence()
  await appender.append([{ topic: reeveTopics(prefix).state, partition: 0, key: Buffer.from('format'), value: Buffer.from('{"version":2}') }])
  await appender.close()
  const second = await start()
  await expect(second.stopped).rejects.toThrow('written by a newer release (format 2, this release knows up to 1)')
})

test('an effect that outlives its deadline is not read back while it still runs, and is done once', async () => {
  const { wishes, leading, turn, truth } = await world()
  const toy = toyAgent(wishes)
  const mark = toy.effects['mark']!
  const goOn = Promise.withResolvers<void>()
  let begun = 0
  const apply: typeof mark.apply = async (...given) => {
    begun++
    await goOn.promise
    return mark.apply(...given)
  }
  const bench = await leading({ agent: { ...toy, effects: { mark: { ...mark, apply } } } })
  wishes.mark.add('a')
  await turn(bench)
  await turn(bench)
  expect(begun).toBe(1)
  expect([...(await truth()).state.entries('intent/')]).toHaveLength(1)
  goOn.resolve()
  await until('it was found', async () => {
    await turn(bench)
    return (await truth()).standing.length === 1
  })
  expect((await truth()).control.get('a')).toEqual(['marked'])
  expect(begun).toBe(1)
})
