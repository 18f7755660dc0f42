import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import type { ClusterView } from '#shared/domain/cluster-view.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import { openAdmin } from '#shared/kafka/admin/index.ts'
import type { Admin } from '#shared/kafka/ports.ts'
import { examine } from '#test/support/doctor.ts'
import { configuration } from '#test/support/reeve-process.ts'

let stack: LocalStack
let cluster: Cluster
let admin: Admin

beforeAll(async () => {
  stack = await startStack({ nodes: 3, heapMb: 320 })
  cluster = new Cluster({ brokers: stack.description.brokers, clientId: 'scan', requestTimeoutMs: 3_000, connectTimeoutMs: 3_000 })
  admin = await openAdmin(cluster)
  await admin.createTopics([
    { name: 'replicated', partitions: 6, replicationFactor: 3 },
    { name: 'single', partitions: 6, replicationFactor: 1 }
  ])
})

afterAll(async () => {
  await cluster.close()
  await stack.stop()
})

const scan = (): Promise<ClusterView> => admin.scan({ atMs: 0 })
const holes = ({ unseen }: ClusterView): string[] => unseen.map(({ kind, id }) => `${kind} ${id}`)
const offsetsOf = (view: ClusterView, topic: string) => view.topics.get(topic)!.partitions.map(partition => partition.highWatermark)

/** What `reeve doctor` says of this cluster. */
const doctor = () => {
  const { brokers, redisUrl } = stack.description
  return examine(configuration('reeve', { cluster: { brokers } }), { env: { TEST_REDIS_URL: redisUrl } })
}

test('a killed, a frozen and a returned broker: each scan says what it did not see, and never takes it for zero', async () => {
  const whole = await scan()
  expect(holes(whole)).toEqual([])
  const lost = whole.topics
    .get('single')!
    .partitions.filter(partition => partition.leader === 3)
    .map(partition => partition.partition)
  expect(lost).toHaveLength(2)

  await admin.alterConfigs({ kind: 'broker', name: '1' }, { 'unclean.leader.election.enable': 'true' })
  await expect.poll(async () => (await doctor()).ids('warning'), { timeout: 20_000 }).toContain('settings-differ')
  expect((await doctor()).one('settings-differ').what).toContain('true on 1, false on 2, false on 3')
  await admin.alterConfigs({ kind: 'broker', name: '1' }, { 'unclean.leader.election.enable': null })

  await stack.stopNode('node-3', 'SIGKILL')
  expect((await doctor()).one('broker-silent').what).toMatch(/^broker 3 advertises .* which does not answer/)
  // Until the cluster notices, the broker is listed and refuses connections; from then on its partitions have no leader.
  const first = await scan()
  expect(first.unseen).not.toEqual([])
  for (const partition of lost) expect(offsetsOf(first, 'single')[partition]).toBeNull()
  await expect.poll(async () => holes(await scan()), { timeout: 60_000, interval: 500 }).toContain('broker 3')
  await expect.poll(async () => offsetsOf(await scan(), 'replicated'), { timeout: 30_000, interval: 500 }).toEqual([0, 0, 0, 0, 0, 0])
  const down = await scan()
  expect(
    holes(down)
      .filter(hole => hole.startsWith('partition'))
      .toSorted()
  ).toEqual(lost.map(partition => `partition single-${partition}`).toSorted())
  for (const { partition, leader, highWatermark } of down.topics.get('single')!.partitions) {
    expect(leader === null).toBe(lost.includes(partition))
    expect(highWatermark).toBe(lost.includes(partition) ? null : 0)
  }
  expect(down.topics.get('replicated')!.partitions.map(partition => partition.inSyncReplicas)).toEqual([2, 2, 2, 2, 2, 2])
  const lame = await doctor()
  expect(lame.one('broker-down').what).toBe('broker 3 is down or fenced')
  expect(lame.ids('ok')).toContain('brokers-answer')

  await stack.startNode('node-3')
  await expect.poll(async () => holes(await scan()), { timeout: 60_000, interval: 500 }).toEqual([])

  await stack.pauseNode('node-2')
  try {
    const started = performance.now()
    const frozen = await scan()
    expect(holes(frozen)).toContainEqual(expect.stringMatching(/^(groups|broker) 2$/))
    expect(performance.now() - started).toBeLessThan(30_000)
  } finally {
    await stack.resumeNode('node-2')
  }
  await expect.poll(async () => holes(await scan()), { timeout: 60_000, interval: 500 }).toEqual([])
})
