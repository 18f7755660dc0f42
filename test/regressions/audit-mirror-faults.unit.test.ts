import { expect, test } from 'vitest'
import { policySchema } from '#agents/audit-mirror/policy.ts'
import { openSource } from '#agents/audit-mirror/source.ts'
import { clusterView } from '#test/support/cluster-view.ts'
import { fakeKafka } from '#test/support/fake-kafka.ts'

/*
 * Whatever failed in a source was told and asked again, also when something of it had been taken by then: the next call brought what came behind, and
 * nobody heard of what was left out.
 */
const nothing = () => undefined

test('a source that fails in a way that nobody foresaw ends the reign, and leaves nothing out', async () => {
  const kafka = fakeKafka()
  kafka.admin.show({ ...clusterView({ topics: { orders: [1] }, brokers: [1] }), clusterId: 'c' })
  kafka.admin.acls = async () => Promise.reject(new TypeError('nobody foresaw this'))
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
  const source = await openSource({ kafka, clusterId: 'c', prefix: 'reeve', holder: 'one', log }, policySchema.parse({ journal: false }), new Map())
  try {
    const reads = async (): Promise<void> => {
      for (let left = 100; left > 0; left--) await source.next(20)
    }
    await expect(reads()).rejects.toThrow('nobody foresaw this')
  } finally {
    await source.close()
  }
})
