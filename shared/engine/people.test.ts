import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openSlackSink, type SlackSink } from '#deploy/local/slack-sink.ts'
import { fakeKafka } from '#test/support/fake-kafka.ts'
import { Secret } from '../config/secret.ts'
import type { JsonValue } from '../domain/json.ts'
import { openNotifier } from '../notify/index.ts'
import type { Destination, Notifier } from '../notify/notifier.ts'
import { newEntry, type OutboxEntry } from '../notify/outbox.ts'
import type { Notice, PersonRequest, Verdict } from './agent.ts'
import type { ApprovalRules } from './approvals.ts'
import { TrustedClock } from './clock.ts'
import { Inbox } from './inbox.ts'
import { journalEntry } from './journal.ts'
import { Leader } from './leader.ts'
import { newRequest, requestRecord } from './requests.ts'
import { appealHolds, withSaid } from './said.ts'
import { scopeOf, seal } from './seal.ts'
import { StateStore } from './state.ts'
import { tell } from './tell.ts'
import { reeveTopics, topicSettings } from './topics.ts'

const topics = reeveTopics('reeve')
const scope = scopeOf('c1', topics)
const key = 'a key of at least 32 characters .'
const hourMs = 3_600_000
const nothing = () => undefined
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const lenient: ApprovalRules = { otherPerson: false, proven: false, keys: () => [key] }

let sink: SlackSink
beforeEach(async () => void (sink = await openSlackSink()))
afterEach(() => sink.close())

/** A leader over a cluster in memory, with a clock that the test moves, and two channels: one by a bot, one by a webhook. */
async function world(rules: ApprovalRules = lenient) {
  let nowMs = Date.UTC(2026, 10, 21, 12)
  const kafka = fakeKafka({ nowMs: () => nowMs })
  await kafka.admin.createTopics(topicSettings(topics, 3))
  const notifier = openNotifier({
    config: {
      cluster: { name: 'test', oneOfSeveral: false },
      notify: {
        platformChannel: 'platform',
        digestAbove: 10,
        slack: { token: new Secret(sink.token), signingSecret: null, api: sink.api },
        channels: { platform: { slackChannel: 'C0PLATFORM' }, payments: { slackWebhook: new Secret(sink.webhook('payments')) } }
      },
      http: { host: '', port: 0, keys: [], linksValidFor: hourMs, clients: [] }
    },
    scope,
    log,
    paceMs: 0,
    timeoutMs: 2_000,
    monotonicMs: () => nowMs
  })
  const writer = await kafka.openAppender('people')
  await writer.fence()
  let leader!: Leader
  let inbox!: Inbox
  let epoch = 0
  const takeOver = async (): Promise<void> => {
    const store = new StateStore(topics.state, await kafka.openReader())
    const appender = await kafka.openAppender(topics.state)
    await appender.fence()
    await store.open()
    const clock = new TrustedClock(
      () => nowMs,
      async () => nowMs
    )
    leader = new Leader({ store, clock, topics, holder: `replica-${++epoch}`, appender, epoch })
    inbox = new Inbox(topics.requests, await kafka.openReader(), rules, scope)
    await inbox.open(leader)
  }
  await takeOver()
  const journal = (): string[] =>
    kafka
      .partition(topics.journal)
      .entries.flatMap(({ record }) => (record && journalEntry(record)) ?? [])
      .map(({ what }) => what)
  return {
    takeOver,
    journal,
    now: () => nowMs,
    get: (name: string) => leader.store.get(name),
    outbox: () => new Map([...leader.store.entries('notice/')].map(([name, entry]) => [name, entry as unknown as OutboxEntry])),
    said: (verdicts: readonly Verdict[]) => withSaid(leader.store, verdicts, nowMs),
    holds: () => appealHolds(leader.store, nowMs),
    write: (changes: Record<string, JsonValue>) => leader.commit(new Map(Object.entries(changes))),
    notices: (...given: readonly Notice[]) =>
      leader.commit(new Map(given.map(each => [`notice/guardian/${each.key}`, newEntry(each, nowMs) as unknown as JsonValue]))),
    /** What a request gave to say, in the journal. */
    async ask(...requests: readonly PersonRequest[]): Promise<string[]> {
      const before = journal().length
      if (requests.length > 0) await writer.append(requests.map(request => requestRecord(topics.requests, request)))
      await inbox.take(leader)
      return journal().slice(before)
    },
    request: (kind: PersonRequest['kind'], subject: string, who = 'ann@host', forMs?: number) => newRequest(kind, subject, who, 'because', nowMs, forMs),
    tell: (other: Notifier, roundMs?: number) => tell(leader, other, log, nowMs, roundMs),
    /** The leader's next commit fails, and nothing of it was written. */
    failNextCommit: () => kafka.failNextAppend(topics.state, 'refused'),
    /** Time passes; the leader's housekeeping runs. */
    async pass(ms: number): Promise<void> {
      nowMs += ms
      await inbox.expire(leader, nowMs)
      await tell(leader, notifier, log, nowMs)
    }
  }
}

function notice(name: string, more: Partial<Notice> = {}): Notice {
  return {
    key: `${name}/told`,
    incident: `guardian/group/${name}/1`,
    severity: 'page',
    resolved: false,
    team: null,
    channel: 'payments',
    title: name,
    why: [],
    sinceMs: 0,
    next: { what: 'nothing', atMs: null },
    answer: null,
    subject: name,
    asks: ['snooze', 'fixed', 'appeal'],
    ...more
  }
}
const resolved = (name: string) => notice(name, { key: `${name}/resolved`, resolved: true, severity: 'info', asks: [] })
const verdict: Verdict = { subject: 'settle', state: 'told', why: 'it stands still', lagMessages: 5, rules: [], facts: {} }
const texts = () => sink.messages.map(({ channel, text }) => `${channel} ${text}`)

describe('snooze', () => {
  test("holds back an incident's trouble until then, and is seen in journal, table and explain; what is resolved, done or another's is told", async () => {
    const w = await world()
    await w.notices(notice('settle'))
    expect(await w.ask(w.request('snooze', 'guardian/group/settle/1', 'ann@host', 8 * hourMs))).toEqual([
      'ann@host asked: snooze guardian/group/settle/1 (because)'
    ])
    await w.notices(notice('other'), notice('settle', { key: 'settle/paused', asks: ['fixed'], title: 'settle is paused' }))
    await w.pass(0)
    expect(texts()).toEqual(['payments Page: other', 'payments Page: settle is paused'])
    expect(w.outbox().get('guardian/settle/told')).toMatchObject({ state: 'pending', deliveredAtMs: null })
    expect(w.said([verdict])[0]!.why).toBe('it stands still; snoozed until 2026-11-21T20:00:00.000Z by ann@host: because')
    await w.pass(8 * hourMs - 1)
    expect(texts().length).toBe(2)
    await w.pass(1)
    expect(texts().at(-1)).toBe('payments Page: settle')
    expect(w.get('snooze/guardian/group/settle/1')).toBeUndefined()
    expect(w.said([verdict])[0]).toBe(verdict)
  })

  test('that outlives the incident tells the end at once, and the trouble not after it', async () => {
    const w = await world()
    await w.notices(notice('settle'))
    await w.ask(w.request('snooze', 'guardian/group/settle/1'))
    await w.notices(resolved('settle'))
    await w.pass(1)
    expect(texts()).toEqual(['payments Resolved: settle'])
    await w.pass(hourMs)
    await w.pass(1)
    expect(texts().length).toBe(1)
    expect(w.journal()).toContain('settle: not told, it was resolved while it was snoozed')
  })

  test('of an incident that nobody knows is refused', async () => {
    const w = await world()
    expect(await w.ask(w.request('snooze', 'nothing'))).toEqual([
      'ann@host asked: snooze nothing (because): refused, no notice of an incident nothing is known'
    ])
  })
})

describe('appeal', () => {
  test('holds the subject, pages the platform, and ends when somebody answers', async () => {
    const w = await world()
    await w.ask(w.request('appeal', 'settle'))
    await w.ask(w.request('appeal', 'settle'))
    await w.pass(1)
    expect(w.holds()).toEqual([{ subject: 'settle', why: 'ann@host appealed: because' }])
    expect(texts()).toEqual(['C0PLATFORM Page: ann@host appeals: leave settle alone'])
    expect(w.said([verdict])[0]!.why).toContain('appealed until 2026-11-22T12:00:00.000Z by ann@host: because')
    expect(await w.ask(w.request('dismiss', 'other'))).toEqual([expect.stringContaining('refused, no appeal about other is open')])
    await w.ask(w.request('dismiss', 'settle', 'bob@host'))
    await w.pass(1)
    expect(w.holds()).toEqual([])
    expect(texts().slice(1)).toEqual(['C0PLATFORM Resolved: The appeal about settle is over'])
    expect(sink.messages[1]!.threadTs).toBe(sink.messages[0]!.ts)
    expect(sink.messages[1]!.lines.join()).toContain('bob@host answered: because')
  })

  test('ends by itself after a day, and says so', async () => {
    const w = await world()
    await w.ask(w.request('appeal', 'settle'))
    await w.pass(24 * hourMs - 1)
    expect(w.holds().length).toBe(1)
    await w.pass(1)
    expect(w.holds()).toEqual([])
    expect(texts().at(-1)).toBe('C0PLATFORM Resolved: The appeal about settle is over')
  })
})

describe('a link counts once', () => {
  const once = (w: Awaited<ReturnType<typeof world>>, untilMs: number) =>
    seal({ ...w.request('appeal', 'settle', 'link n1'), id: 'n1', onceUntilMs: untilMs }, 'link', scope, key)

  test('twice in one read, later, by another replica and after a restart: the second is refused', async () => {
    const w = await world()
    const request = once(w, w.now() + 48 * hourMs)
    expect((await w.ask(request, request)).map(what => what.includes('refused, this link or button was used before'))).toEqual([false, true])
    expect(await w.ask(request)).toEqual([expect.stringContaining('used before')])
    await w.takeOver()
    await w.pass(30 * hourMs)
    expect(await w.ask(request)).toEqual(['link n1, by link, asked: appeal settle (because): refused, this link or button was used before'])
    expect(w.holds()).toEqual([])
  })

  test('and a copy of what was said is too old after that: what is forgotten cannot be said again', async () => {
    const w = await world()
    const request = once(w, w.now() + 24 * hourMs)
    await w.ask(request)
    await w.pass(24 * hourMs)
    expect(w.get('used/n1')).toBeUndefined()
    expect(await w.ask(request)).toEqual([expect.stringContaining('refused, it was said too long ago')])
  })
})

describe('who asked is not who approves', () => {
  test('also where both were said before the leader looked', async () => {
    const w = await world(strict)
    expect((await w.ask(w.request('halt', ''), w.request('unhalt', ''))).map(what => what.includes('refused'))).toEqual([false, true])
    expect(w.get('halt')).toBeDefined()
    expect((await w.ask(w.request('appeal', 'settle'), w.request('dismiss', 'settle'))).map(what => what.includes('refused'))).toEqual([false, false])
    expect(w.holds()).toEqual([])
  })

  const strict = { ...lenient, otherPerson: true }
  const plan = { 'plan/guardian': { checksum: 'abc', askedBy: ['ann@host'], refused: [] } }

  test('an approval counts from another person alone', async () => {
    const w = await world(strict)
    await w.write(plan)
    expect(await w.ask(w.request('approve', 'abc'))).toEqual([
      'ann@host asked: approve abc (because): refused, ann@host asked for what this plan does, so another person must approve it (approvals.otherPerson)'
    ])
    expect(w.get('approval/abc')).toBeUndefined()
    await w.ask(w.request('approve', 'abc', 'bob@host'))
    expect(w.get('approval/abc')).toMatchObject({ who: 'bob@host' })
  })

  test('nobody lifts the kill switch that he set himself', async () => {
    const w = await world(strict)
    await w.ask(w.request('halt', ''))
    expect(await w.ask(w.request('unhalt', ''))).toEqual([
      'ann@host asked: unhalt  (because): refused, ann@host set the kill switch, so another person must lift it (approvals.otherPerson)'
    ])
    expect(w.get('halt')).toBeDefined()
    await w.ask(w.request('unhalt', '', 'bob@host'))
    expect(w.get('halt')).toBeUndefined()
  })

  test('where it is so configured one person does both', async () => {
    const w = await world()
    await w.write(plan)
    await w.ask(w.request('approve', 'abc'))
    expect(w.get('approval/abc')).toBeDefined()
  })

  test('where names must be proven, a claim, a link and a forged seal approve nothing; a token and Slack do', async () => {
    const w = await world({ ...lenient, proven: true })
    const sealed = (by: 'oidc' | 'slack' | 'link', id: string, sealKey = key) =>
      seal({ ...w.request('approve', id, `${by}:ann`), id, onceUntilMs: w.now() + hourMs }, by, scope, sealKey)
    await w.ask(w.request('approve', 'claimed'), sealed('link', 'linked'), sealed('oidc', 'forged', 'another key'), {
      ...sealed('slack', 'x'),
      subject: 'stolen'
    })
    for (const subject of ['claimed', 'linked', 'forged', 'stolen']) expect(w.get(`approval/${subject}`), subject).toBeUndefined()
    expect(w.journal().filter(what => what.includes('was not proven, and approvals.proven asks for it')).length).toBe(4)
    await w.ask(sealed('oidc', 'token'), sealed('slack', 'pressed'))
    expect([w.get('approval/token'), w.get('approval/pressed')]).toMatchObject([{ who: 'oidc:ann' }, { who: 'slack:ann' }])
    // Halting needs no proof: whoever is in doubt may stop it.
    await w.ask(w.request('halt', ''))
    expect(w.get('halt')).toBeDefined()
  })
})

test('what could not be taken because a commit failed is taken by the next look, all of it and once', async () => {
  const w = await world()
  w.failNextCommit()
  await expect(w.ask(w.request('appeal', 'a'), w.request('appeal', 'b'))).rejects.toThrow('NOT_ENOUGH_REPLICAS')
  expect(w.holds()).toEqual([])
  expect((await w.ask()).map(what => what.slice(0, 23))).toEqual(['ann@host asked: appeal ', 'ann@host asked: appeal '])
  expect(w.holds().map(({ subject }) => subject)).toEqual(['a', 'b'])
  expect(await w.ask()).toEqual([])
})

describe('telling', () => {
  const place = (id: string, deliver: Destination['deliver']): Destination => ({ id, reachesPeople: true, digestAbove: null, deliver })

  test('what failed is not overtaken by what comes after it, even where the next attempt would go well', async () => {
    const w = await world()
    const came: string[] = []
    let failures = 1
    const shaky = place('shaky', async ({ notices: [{ title }] }) => {
      if (failures-- > 0) return { ok: false, retryable: true, error: 'once' }
      came.push(title)
      return { ok: true }
    })
    const notifier: Notifier = { destinations: () => [shaky] }
    await w.notices(notice('a'), notice('b'))
    await w.tell(notifier)
    expect(came).toEqual([])
    await w.pass(5_000)
    expect(texts()).toEqual(['payments Page: a', 'payments Page: b'])
  })

  test('a slow destination with much to take goes on in the next round, so that no other waits for it', async () => {
    const w = await world()
    const slow = place('slow', async () => {
      await new Promise(resolve => setTimeout(resolve, 30))
      return { ok: true }
    })
    await w.notices(...Array.from({ length: 50 }, (_, index) => notice(`n${index}`)))
    const first = await w.tell({ destinations: () => [slow] }, 50)
    expect([first > 0, first < 20]).toEqual([true, true])
    expect(await w.tell({ destinations: () => [slow] })).toBe(50 - first)
  })

  test('two destinations that answer at the same moment are both remembered', async () => {
    const w = await world()
    const both: Notifier = { destinations: () => [place('one', async () => ({ ok: true })), place('other', async () => ({ ok: true }))] }
    await w.notices(notice('a'))
    await w.tell(both)
    expect(w.outbox().get('guardian/a/told')).toMatchObject({ to: { one: { state: 'taken' }, other: { state: 'taken' } } })
    expect(await w.tell(both)).toBe(0)
  })
})

test('500 groups in trouble at once are one message, and their end is one in its thread; every notice counts as delivered', async () => {
  const w = await world()
  const groups = Array.from({ length: 500 }, (_, index) => `group-${index}`)
  await w.notices(...groups.map(name => notice(name, { channel: null })))
  await w.pass(1)
  expect(texts()).toEqual(['C0PLATFORM 500 notices at once: 500 page'])
  expect([...w.outbox().values()].every(({ state, deliveredAtMs }) => state === 'delivered' && deliveredAtMs! >= w.now())).toBe(true)
  await w.notices(notice('group-7', { channel: null, key: 'group-7/grave', severity: 'incident' }))
  await w.pass(1)
  await w.notices(...groups.map(name => ({ ...resolved(name), channel: null })))
  await w.pass(1)
  expect(texts().slice(1)).toEqual(['C0PLATFORM Incident: group-7', 'C0PLATFORM 500 notices at once: 500 resolved'])
  expect(new Set(sink.messages.slice(1).map(({ threadTs }) => threadTs))).toEqual(new Set([sink.messages[0]!.ts]))
  await w.pass(1)
  expect(sink.messages.length).toBe(3)
})

test(
  'an hour of 429 and a day of outage: the order is kept, nothing is lost, nothing comes twice, and only what came counts as delivered',
  { timeout: 60_000 },
  async () => {
    const w = await world()
    const minuteMs = 60_000
    const wanted = new Map<string, string[]>([
      ['payments', []],
      ['C0PLATFORM', []]
    ])
    let count = 0
    for (let minute = 0; minute < 30 * 60; minute += 15) {
      if (minute === 60) sink.mood({ status: 429, retryAfter: '3600' })
      if (minute === 120) await sink.goDown()
      if (minute === 120 + 24 * 60) {
        sink.mood('ok')
        await sink.comeBack()
      }
      if (minute % 30 === 0) {
        const name = `n${String(count++).padStart(3, '0')}`
        await w.notices(notice(name, { channel: count % 2 === 0 ? null : 'payments', incident: `i/${name}` }))
        wanted.get(count % 2 === 0 ? 'C0PLATFORM' : 'payments')!.push(name)
      }
      const before = w.outbox()
      await w.pass(15 * minuteMs)
      if (minute > 60 && minute < 120 + 24 * 60)
        for (const [name, { state }] of w.outbox()) expect(state === 'delivered', name).toBe(before.get(name)?.state === 'delivered')
    }
    for (const [channel, names] of wanted) {
      const came = sink.messages
        .filter(message => message.channel === channel)
        .flatMap(({ text, lines }) =>
          text.includes('at once')
            ? [`digest of ${/^\d+/.exec(text)![0]}`, ...(lines.join('\n').match(/n\d{3}/g) ?? []).slice(0, 1)]
            : [/n\d{3}/.exec(text)![0]]
        )
      const digest = came.findIndex(each => each.startsWith('digest'))
      const size = Number(/\d+$/.exec(came[digest]!)![0])
      // Before the outage one by one, then one digest of all that waited, then one by one again.
      expect([...came.slice(0, digest), ...names.slice(digest, digest + size), ...came.slice(digest + 2)]).toEqual(names)
      expect(came.filter(each => each.startsWith('digest')).length).toBe(1)
      expect(came[digest + 1]).toBe(names[digest])
    }
    expect([...w.outbox().values()].every(({ state }) => state === 'delivered')).toBe(true)
  }
)
