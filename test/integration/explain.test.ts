import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consumerGuardian } from '#agents/consumer-guardian/index.ts'
import { policySchema } from '#agents/consumer-guardian/policy.ts'
import { main, program } from '#shared/cli/index.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { configuration, names, ReeveBench, speak } from '#test/support/reeve-process.ts'
import { startReplica, until } from '#test/support/replica.ts'
import { superUser, unique } from '#test/support/stack.ts'
import { commitStart, topicWithRecords } from '#test/support/stuck-consumer.ts'
import { xmlElements } from '#test/support/xml.ts'

const bench = new ReeveBench()
const prefix = unique('explain')
const topic = unique('explain-records')
const tag = unique('odd')
/** What a name may hold: markup, quotes, a terminal's colours. */
const group = `<stuck> & "${tag}" \u001b[31m`
const knobs = {
  enabled: false,
  groups: [{ match: [`*${tag}*`], enabled: true, lagMessages: 10, lagFor: '1s', noProgressFor: '1s', executiveAfter: '1h', verifyWithin: '1s' }]
}
const owners = [{ team: 'shop', channel: 'platform', criticality: 'normal' as const, groups: [`*${tag}*`], topics: [topic] }]
let kafka: Kafka
let file = ''
const reeve = (...words: string[]) => speak(['--config', file, ...words], { LC_ALL: 'C.UTF-8' })
/** The same in this process, which costs less. */
async function here(words: readonly string[], { width, signal = new AbortController().signal }: { width?: number; signal?: AbortSignal } = {}) {
  const said = { out: [] as string[], err: [] as string[] }
  const env = { TEST_REDIS_URL: 'redis://127.0.0.1:1', LC_ALL: 'C.UTF-8' }
  const cli = {
    agents: [consumerGuardian],
    streams: [],
    env,
    out: (text: string) => void said.out.push(text),
    err: (text: string) => void said.err.push(text),
    width,
    signal
  }
  const code = await main(cli, ['--config', file, ...words], program(cli))
  return { code, out: said.out.join('\n'), err: said.err.join('\n') }
}
const lines = (out: string) =>
  out
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)

/** A short past on the real brokers: a group that stands in front of 100 records, looked at until its owner was told, and a while on. */
beforeAll(async () => {
  kafka = await openKafka(superUser())
  await topicWithRecords(kafka, topic, 100)
  await commitStart(superUser(), group, topic)
  const settings = { observer: { intervalMs: 1_000, keyFrameEvery: 3, maintenance: [] }, owners }
  const replica = await startReplica({ kafka, prefix, agent: consumerGuardian, act: false, policy: policySchema.parse(knobs), settings })
  try {
    await until('it leads', () => replica.replica.leadership?.ready === true)
    let looks = 0
    await until(
      'the owner was told, and it was looked at since',
      async () => {
        await replica.tick('observer')
        await replica.tick('consumer-guardian')
        if (replica.delivered.length > 0) looks++
        return looks === 4
      },
      60_000
    )
    if (replica.errors.length > 0) throw new Error(`a turn failed: ${String(replica.errors[0])}`)
  } finally {
    await replica.stop()
  }
  file = bench.write(configuration(prefix, { owners, agents: { 'consumer-guardian': { policy: knobs } } }))
})
afterAll(async () => {
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  for (const name of [topic, ...names(reeveTopics(prefix))]) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
  await kafka.close()
  await bench.close()
})

test('a group is explained with a picture of its past, in the terminal and as SVG', async () => {
  const svg = join(tmpdir(), `${tag}.svg`)
  const forPeople = await reeve('explain', 'group', '--since', '10m', '--svg', svg, '--', group)
  expect(forPeople.code, forPeople.err).toBe(0)
  expect(forPeople.out).toMatch(/lag, messages: most 101, now/)
  expect(forPeople.out).toMatch(/^ +150┤.*\n.*\n.*[\u2801-\u28ff]/m)
  expect(forPeople.out).toMatch(/commits a second: most 0, now/)
  expect(forPeople.out).toMatch(/^ decided +●\n +● told \(warning\)$/m)
  // Before the first observation nothing was seen, and that is no zero.
  expect(forPeople.out).toMatch(/^not seen ░░░/m)
  expect(forPeople.out).toMatch(/\njournal\n.* notice .* is stuck far behind: to be told/)
  expect(forPeople.out).not.toContain('\u001b')
  const elements = xmlElements(readFileSync(svg, 'utf8'))
  expect(elements.find(({ name }) => name === 'title')!.text).toBe(`group <stuck> & "${tag}" \\u{1b}[31m`)

  const ascii = await here(['explain', 'group', '--since', '10m', '--ascii', '--', group], { width: 90 })
  const picture = ascii.out.slice(ascii.out.indexOf('lag, messages:'), ascii.out.indexOf('journal'))
  expect(picture).toMatch(/^[\x20-\x7e\n]+$/)
  expect(Math.max(...picture.split('\n').map(line => line.length))).toBe(90)
  const [found, drawn, ...journal] = lines((await here(['--json', 'explain', 'group', '--since', '10m', '--', group])).out)
  expect(found).toMatchObject([{ agent: 'consumer-guardian', verdict: { subject: group, lagMessages: 101 } }])
  expect(drawn).toMatchObject({ title: `group ${group}`, marks: [{ kind: 'told' }], panels: [{ title: 'lag, messages' }, {}, {}] })
  expect(journal.map(({ kind }) => kind)).toEqual(['notice', 'notice'])
})

test('a topic is explained by its partitions, its readers and what was said of them', async () => {
  const forPeople = await reeve('explain', 'topic', '--since', '10m', topic)
  expect(forPeople.code, forPeople.err).toBe(0)
  expect(forPeople.out).toMatch(new RegExp(`^${topic}: 1 partitions, id .*, owner shop \\(platform\\)$`, 'm'))
  // The commit marker of the producer's transaction is an offset too.
  expect(forPeople.out).toMatch(/^ {2}0 +\d+ +\d of 3 +0 +101 +101 +0$/m)
  expect(forPeople.out).toMatch(/empty +0 +101 +shop +consumer-guardian: told, /)
  expect(forPeople.out).toContain('produced a second: most 0, now')
  const [facts, drawn] = lines((await here(['--json', 'explain', 'topic', '--since', '10m', topic])).out)
  expect(facts).toMatchObject({ topic: { name: topic }, readers: [{ groupId: group, lag: { lagMessages: 101 } }], owner: { team: 'shop' } })
  expect(drawn).toMatchObject({ panels: [{ title: 'produced a second' }, { title: `lag of ${group}, messages` }], marks: [{ kind: 'told' }] })
  expect(await here(['explain', 'topic', 'no-such-topic'])).toMatchObject({
    code: 5,
    err: 'reeve: the last observation has no topic "no-such-topic"'
  })
})

test('a changed policy is simulated beside the present one, and nothing is written', async () => {
  const before = await ends()
  const [entry] = knobs.groups
  const policy = bench.write({ ...knobs, groups: [{ ...entry, lagFor: '1h', noProgressFor: '1h' }] })
  const forPeople = await reeve('simulate', '--since', '10m', '--policy', policy)
  expect(forPeople.code, forPeople.err).toBe(0)
  expect(forPeople.out).toContain('groups[0].noProgressFor: 1s → 1h')
  expect(forPeople.out).toMatch(/told \(warning\): Group .* is stuck far behind\n.*\n +only with the present policy\n +in fact: told 1 time/)
  expect(forPeople.out).toMatch(/told 1 → 0, would do 0 → 0, refused by the gate 0 → 0, subjects 1 → 0$/m)
  const forMachines = await here(['--json', 'simulate', 'consumer-guardian', '--since', '10m', '--policy', policy])
  expect(JSON.parse(forMachines.out)).toMatchObject({ interrupted: false, compared: [{ subject: group, what: 'told', changedMs: null }] })
  const whole = bench.write(configuration(prefix, { owners, agents: { 'consumer-guardian': { policy: knobs } } }))
  const same = await here(['--json', 'simulate', '--since', '10m', '--policy', whole, '--given', 'members-obey', 'nothing-expires'])
  expect(JSON.parse(same.out)).toMatchObject({ changes: [], given: [{}, {}].map(() => expect.any(String) as string), compared: [{ what: 'told' }] })
  expect(await ends()).toEqual(before)
})

test('a policy with mistakes, and words that nobody knows, are refused before anything is read', async () => {
  const mistaken = await here(['--json', 'simulate', '--policy', bench.write('lagFor: soon\nlagMesages: 5\n')])
  expect(mistaken.code).toBe(3)
  expect((JSON.parse(mistaken.out) as { details: string[] }).details).toEqual([
    expect.stringMatching(/^lagFor \(line 1\): expected a duration/),
    expect.stringMatching(/^lagMesages \(line 2\): unknown key; did you mean lagMessages\?/)
  ])
  const policy = bench.write(knobs)
  expect(await here(['simulate', '--policy', policy, '--given', 'luck'])).toMatchObject({
    code: 2,
    err: 'reeve: --given luck: consumer-guardian knows members-obey, nothing-expires'
  })
  expect(await here(['simulate', 'nobody', '--policy', policy])).toMatchObject({
    code: 2,
    err: 'reeve: no agent is called nobody; there are: consumer-guardian'
  })
  expect(await here(['simulate', '--policy', '/nowhere.yaml'])).toMatchObject({ code: 3, err: 'reeve: --policy /nowhere.yaml cannot be read: ENOENT' })
})

test('interrupted it says what it found so far, and ends with its own code', async () => {
  let looked = 0
  const signal = {
    // Aborted at the third look at it: in the middle of the past.
    get aborted() {
      return ++looked > 2
    }
  } as AbortSignal
  const { code, out, err } = await here(['simulate', '--since', '10m', '--policy', bench.write(knobs)], { signal })
  expect(code, err).toBe(130)
  expect(out).toContain('(interrupted: what was found so far)')
  expect(err).toMatch(/^reeve: interrupted at \d{4}-/)

  looked = 0
  const explained = await here(['explain', 'group', '--since', '10m', '--', group], { signal })
  expect(explained).toMatchObject({ code: 130, err: 'reeve: interrupted: the picture ends where the reading did' })
  expect(explained.out).toContain('commits a second')
})

/** Ends of everything that Reeve writes to. */
async function ends(): Promise<unknown> {
  const { topics } = await kafka.admin.scan({ atMs: 0 })
  return names(reeveTopics(prefix)).map(name => topics.get(name)?.partitions.map(({ highWatermark }) => highWatermark))
}
