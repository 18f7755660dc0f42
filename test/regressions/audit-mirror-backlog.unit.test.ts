import { expect, test } from 'vitest'
import { Consequences } from '#agents/audit-mirror/feeds/consequences.ts'
import type { Difference } from '#shared/kafka/metadata-log/decode/describe.ts'

/*
 * Each change of a topic's config was followed by a look at the whole cluster. A mirror that began where thousands of them lay behind it, or that had been
 * away for long, said nothing for as long as that took, and kept the brokers busy.
 */
const nothing = () => undefined
const change: Difference = { kind: 'config-changed', resource: { type: 'topic', name: 'gone', id: null }, before: {}, after: { 'retention.ms': '5' } }

test('changes that wait share a look at the cluster, and one that has just been made has its own', async () => {
  let looks = 0
  const admin = { scan: async ({ atMs }: { atMs: number }) => (looks++, { atMs, topics: new Map() }) }
  const consequences = new Consequences(admin as never, { debug: nothing, info: nothing, warn: nothing, error: nothing })
  for (let made = 0; made < 1_000; made++) await consequences.of(change, Date.now() - 3_600_000 + made)
  const before = looks
  expect(before).toBeLessThan(20)
  await consequences.of(change, Date.now())
  expect(looks).toBe(before + 1)
})
