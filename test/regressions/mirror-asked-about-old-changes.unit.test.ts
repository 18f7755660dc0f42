import { expect, test } from 'vitest'
import { Consequences } from '#agents/audit-mirror/feeds/consequences.ts'
import type { Difference } from '#shared/kafka/metadata-log/decode/describe.ts'

// A mirror that read a metadata log from its beginning asked the brokers what follows of each change in it: a scan of the whole cluster for every
// setting of a topic, and the ACLs for every ACL. On a cluster without a snapshot 4,300 changes made 4,034 requests within six seconds, the first
// event came half a minute later, and what the brokers answered was no consequence of changes that old. Now it asks of recent changes alone, of
// those that have a consequence, and of the one topic.

const nowMs = Date.now()
const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const changed = (setting: string): Difference => ({
  kind: 'config-changed',
  resource: { type: 'topic', name: 'orders', id: null },
  before: { [setting]: null },
  after: { [setting]: '1000' }
})
const acl = { resourceType: 'topic', resourceName: 'orders', pattern: 'literal', principal: 'User:a', host: '*', operation: 'read', permission: 'allow' }
const added: Difference = { kind: 'acl-added', resource: { type: 'acl', name: null, id: 'x' }, before: null, after: acl }

function world() {
  const asked: unknown[] = []
  const note = (what: string) => async (about: unknown) => {
    asked.push([what, about])
    return what === 'scan' ? { topics: new Map() } : []
  }
  const admin = { scan: note('scan'), topicConfigs: note('topicConfigs'), acls: note('acls'), offsetForTimestamp: note('offsetForTimestamp') }
  return { asked, consequences: new Consequences(admin as unknown as ConstructorParameters<typeof Consequences>[0], log) }
}

test.each([changed('retention.ms'), added])('of an old change the cluster is not asked, and what follows is unknown: $kind', async change => {
  const { asked, consequences } = world()
  expect(await consequences.of(change, nowMs - 70_000)).toEqual({ unknown: expect.stringContaining('long after') })
  expect(asked).toEqual([])
})

test('of a change without a consequence it is not asked', async () => {
  const { asked, consequences } = world()
  expect(await consequences.of(changed('segment.ms'), nowMs)).toBeNull()
  expect(asked).toEqual([])
})

test('of a new change it is asked for the one topic', async () => {
  const { asked, consequences } = world()
  await consequences.of(changed('retention.ms'), nowMs)
  expect(asked).toEqual([['scan', expect.objectContaining({ groups: false, topics: ['orders'] })]])
})
