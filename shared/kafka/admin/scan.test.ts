import { expect, test } from 'vitest'
import type { Cluster } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'
import { groupProtocol, groupStateOf } from './group-list.ts'
import { scan } from './scan.ts'

/**
 * A cluster of two brokers that answers from a script, for faults that a real one shows too rarely. Topic `orders` has
 * partitions 0 (led by broker 1) and 1 (by broker 2), each from 10 to 100; broker 1 coordinates the group `billing`.
 */
interface Script {
  leaders?: number[]
  /** Leaders from the second metadata answer on. */
  leadersLater?: number[]
  replicas?: number[]
  topics?: 'none'
  clusterRights?: number
  /** Error of one ListOffsets item, given broker, partition and how often it was asked. */
  offsetError?: (broker: number, partition: number, timestamp: bigint) => number
  silent?: number
  /** A request that is never answered, and what happens meanwhile. */
  hangs?: { api: number; meanwhile: () => void }
  group?: { type?: string; protocolType?: string; state?: string; describedState?: string; describeError?: number; offsetError?: (broker: number) => number }
  movedTo?: number
  /** Leader epochs of __consumer_offsets, before and after groups are listed. */
  coordinatorEpochs?: [number, number]
}

function scripted(script: Script) {
  const log: string[] = []
  let asked = 0
  const topics = () => {
    const leaders = (asked > 1 ? script.leadersLater : undefined) ?? script.leaders ?? [1, 2]
    const replicaNodes = script.replicas ?? [1, 2]
    const partition = (partitionIndex: number, leaderId: number, leaderEpoch = 1) => ({
      errorCode: 0,
      partitionIndex,
      leaderId,
      leaderEpoch,
      replicaNodes,
      isrNodes: replicaNodes,
      offlineReplicas: []
    })
    const epoch = script.coordinatorEpochs?.[asked > 1 ? 1 : 0] ?? 1
    const orders = {
      errorCode: 0,
      name: 'orders',
      topicId: '00000000-0000-0000-0000-00000000000a',
      isInternal: false,
      partitions: leaders.map((leader, index) => partition(index, leader))
    }
    const offsets = {
      errorCode: 0,
      name: '__consumer_offsets',
      topicId: '00000000-0000-0000-0000-00000000000b',
      isInternal: true,
      partitions: [partition(0, script.leaders?.[2] ?? 1, epoch)]
    }
    return script.topics === 'none' ? [] : [orders, offsets]
  }
  const group = script.group ?? {}
  const answers: Record<number, (broker: number, kind: { timestamp: bigint }, request: { topic: string; partitions: number[] }[]) => unknown> = {
    60: () => ({ errorCode: 0, errorMessage: null, clusterAuthorizedOperations: script.clusterRights ?? 1 << 8 }),
    16: broker => ({
      errorCode: 0,
      groups:
        broker === 1
          ? [{ groupId: 'billing', protocolType: group.protocolType ?? 'consumer', groupState: group.state ?? 'Stable', groupType: group.type ?? 'Classic' }]
          : []
    }),
    15: () => ({
      groups: [
        {
          groupId: 'billing',
          errorCode: group.describeError ?? 0,
          groupState: group.describedState ?? 'Stable',
          members: [{ memberId: 'm', clientId: 'c', clientHost: '/h', memberAssignment: Buffer.from('garbage') }]
        }
      ]
    }),
    69: () => ({
      groups: [
        {
          groupId: 'billing',
          errorCode: group.describeError ?? 0,
          errorMessage: null,
          groupState: 'Stable',
          members: [{ memberId: 'm', clientId: 'c', clientHost: '/h', assignment: { topicPartitions: [{ topicName: 'orders', partitions: [1] }] } }]
        }
      ]
    }),
    9: broker => ({
      groups: [
        {
          groupId: 'billing',
          errorCode: group.offsetError?.(broker) ?? 0,
          committed: new Map([['orders', new Map([[0, 40]])]]),
          unread: []
        }
      ]
    }),
    2: (broker, { timestamp }, request) => ({
      topics: request.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(partition => ({
          partition,
          errorCode: script.offsetError?.(broker, partition, timestamp) ?? 0,
          offset: timestamp === -2n ? 10 : 100
        }))
      }))
    })
  }
  const cluster = {
    async metadata() {
      asked++
      return { clusterId: 'c', brokers: [1, 2].map(nodeId => ({ nodeId, host: 'h', port: nodeId, rack: null })), topics: topics() }
    },
    async coordinators(_kind: string, keys: string[]) {
      log.push('find coordinator')
      return script.movedTo === undefined
        ? { of: new Map(), unseen: new Map(keys.map(key => [key, 'COORDINATOR_NOT_AVAILABLE'])) }
        : { of: new Map(keys.map(key => [key, script.movedTo])), unseen: new Map() }
    },
    async request(target: number | 'any', api: { key: number }, ...args: unknown[]) {
      log.push(`${api.key} to ${target}`)
      if (target === script.silent) throw new KafkaFault('unreachable', 'connection refused', { retriable: true })
      if (api.key === script.hangs?.api) {
        script.hangs.meanwhile()
        await new Promise(() => undefined)
      }
      const answer = answers[api.key]
      if (!answer) throw new Error(`the script has no answer for API ${api.key}`)
      return answer(target === 'any' ? 1 : target, ...(args as Parameters<typeof answer> extends [unknown, ...infer Rest] ? Rest : never))
    }
  }
  return { log, scan: (signal?: AbortSignal) => scan(cluster as unknown as Cluster, { atMs: 7, ...(signal && { signal }) }) }
}

test('a healthy cluster is seen whole', async () => {
  const view = await scripted({}).scan()
  expect(view.unseen).toEqual([])
  expect(view.atMs).toBe(7)
  expect(view.topics.get('orders')!.partitions[1]).toEqual({
    partition: 1,
    leader: 2,
    replicas: 2,
    inSyncReplicas: 2,
    logStartOffset: 10,
    highWatermark: 100,
    lastStableOffset: 100
  })
  expect(view.topics.has('__consumer_offsets')).toBe(true)
  expect(view.groups.get('billing')).toMatchObject({ protocol: 'classic', state: 'stable', committed: new Map([['orders', new Map([[0, 40]])]]) })
})

test('commits are read before end offsets, and log starts last', async () => {
  const { log, scan: look } = scripted({ leaders: [1] })
  await look()
  expect(log.indexOf('9 to 1')).toBeLessThan(log.indexOf('2 to 1'))
  expect(log.at(-1)).toBe('2 to 1')
})

test('an assignment of an odd client is empty, and the group is seen', async () => {
  const view = await scripted({}).scan()
  expect(view.groups.get('billing')!.members).toEqual([{ memberId: 'm', clientId: 'c', host: '/h', assigned: new Map() }])
  expect(view.unseen).toEqual([])
})

test('a KIP-848 group is described by the call that does not say it is dead', async () => {
  const { log, scan: look } = scripted({ group: { type: 'Consumer' } })
  const view = await look()
  expect(view.groups.get('billing')).toMatchObject({ protocol: 'consumer', state: 'stable', members: [{ assigned: new Map([['orders', [1]]]) }] })
  expect(log).not.toContain('15 to 1')
})

test('a group that is listed alive and described dead is not believed', async () => {
  const view = await scripted({ group: { describedState: 'Dead' } }).scan()
  expect(view.groups.get('billing')!.members).toBeNull()
  expect(view.unseen).toEqual([{ kind: 'group', id: 'billing', why: expect.stringContaining('changed its protocol') }])
})

test('a partition whose leader moved is asked of the new one', async () => {
  const view = await scripted({ leaders: [1, 2], leadersLater: [1, 1], offsetError: (broker, partition) => (broker === 2 && partition === 1 ? 6 : 0) }).scan()
  expect(view.unseen).toEqual([])
  expect(view.topics.get('orders')!.partitions[1]).toMatchObject({ leader: 1, highWatermark: 100 })
})

test('a partition that no leader answers for twice is a hole, and the others are seen', async () => {
  const view = await scripted({ offsetError: (_broker, partition, timestamp) => (partition === 1 && timestamp === -1n ? 6 : 0) }).scan()
  expect(view.unseen).toEqual([{ kind: 'partition', id: 'orders-1', why: 'NOT_LEADER_OR_FOLLOWER' }])
  expect(view.topics.get('orders')!.partitions).toMatchObject([{ highWatermark: 100 }, { highWatermark: null, lastStableOffset: null }])
})

test('a missing right on a topic is a hole that is not asked again', async () => {
  const { log, scan: look } = scripted({ offsetError: (_broker, partition) => (partition === 1 ? 29 : 0) })
  const view = await look()
  expect(view.unseen).toEqual([{ kind: 'partition', id: 'orders-1', why: 'TOPIC_AUTHORIZATION_FAILED' }])
  expect(log.filter(line => line === '2 to 2')).toHaveLength(3)
})

test('a partition without a leader has no offsets and is named', async () => {
  const view = await scripted({ leaders: [1, -1] }).scan()
  expect(view.unseen).toEqual([{ kind: 'partition', id: 'orders-1', why: 'it has no leader' }])
  expect(view.topics.get('orders')!.partitions[1]).toMatchObject({ leader: null, highWatermark: null, logStartOffset: null })
})

test('a broker that does not answer is named with all that it kept back, and is asked once a kind of question', async () => {
  const { log, scan: look } = scripted({ silent: 2 })
  const view = await look()
  expect(view.unseen.map(({ kind, id }) => `${kind} ${id}`)).toEqual(['groups 2', 'partition orders-1'])
  expect(view.groups.has('billing')).toBe(true)
  expect(log.filter(line => line.endsWith('to 2'))).toEqual(['16 to 2', '2 to 2', '2 to 2'])
})

test('a broker that holds replicas and is listed no more is down', async () => {
  const view = await scripted({ replicas: [1, 2, 3] }).scan()
  expect(view.unseen).toEqual([{ kind: 'broker', id: '3', why: expect.stringContaining('down') }])
})

test('a group whose coordinator moved is asked of the new one', async () => {
  const view = await scripted({ movedTo: 2, group: { offsetError: broker => (broker === 1 ? 16 : 0) } }).scan()
  expect(view.unseen).toEqual([])
  expect(view.groups.get('billing')!.committed).toEqual(new Map([['orders', new Map([[0, 40]])]]))
})

test('a group without a coordinator has unknown offsets, not none', async () => {
  const view = await scripted({ group: { offsetError: () => 15 } }).scan()
  expect(view.groups.get('billing')!.committed).toBeNull()
  expect(view.unseen).toEqual([{ kind: 'group-offsets', id: 'billing', why: expect.stringContaining('no coordinator') }])
})

test('a missing right on a group leaves the group seen and its parts unknown', async () => {
  const view = await scripted({ group: { describeError: 30, offsetError: () => 30 } }).scan()
  expect(view.groups.get('billing')).toMatchObject({ members: null, committed: null })
  expect(view.unseen).toEqual([
    { kind: 'group', id: 'billing', why: 'GROUP_AUTHORIZATION_FAILED' },
    { kind: 'group-offsets', id: 'billing', why: 'GROUP_AUTHORIZATION_FAILED' }
  ])
})

test('groups that no broker lists, because their partition of __consumer_offsets has no leader, are a hole', async () => {
  const view = await scripted({ leaders: [1, 2, -1] }).scan()
  expect(view.unseen).toContainEqual({ kind: 'groups', id: '__consumer_offsets-0', why: expect.stringContaining('no leader') })
})

test('groups that may have moved between two lists are a hole', async () => {
  const view = await scripted({ coordinatorEpochs: [4, 5] }).scan()
  expect(view.unseen).toEqual([{ kind: 'groups', id: '__consumer_offsets-0', why: expect.stringContaining('changed its leader') }])
})

test('without DESCRIBE on the cluster the list of groups is not believed', async () => {
  const view = await scripted({ clusterRights: 0 }).scan()
  expect(view.unseen).toEqual([{ kind: 'groups', id: 'all', why: expect.stringContaining('DESCRIBE on the cluster') }])
})

test('no topics is never taken for an empty cluster', async () => {
  const view = await scripted({ topics: 'none' }).scan()
  expect(view.unseen).toEqual([{ kind: 'topics', id: 'all', why: expect.stringContaining('no topics') }])
})

test('a group that committed without joining has the protocol none, and no members', async () => {
  const view = await scripted({ group: { protocolType: '', state: 'Empty' } }).scan()
  expect(view.groups.get('billing')).toMatchObject({ protocol: 'none', state: 'empty', members: [] })
})

test('an aborted scan ends at once with the reason of its signal, also when a broker is silent', async () => {
  await expect(scripted({}).scan(AbortSignal.abort(new Error('shutting down')))).rejects.toThrow('shutting down')
  const controller = new AbortController()
  const look = scripted({ hangs: { api: 60, meanwhile: () => controller.abort(new Error('lease lost')) } }).scan(controller.signal)
  await expect(look).rejects.toThrow('lease lost')
})

test.each([
  ['Classic', 'consumer', 'classic'],
  ['Classic', 'connect', 'classic'],
  ['Classic', '', 'none'],
  ['classic', '', 'none'],
  ['Consumer', 'consumer', 'consumer'],
  ['Share', 'share', 'share'],
  ['Streams', 'streams', 'streams']
] as const)('group type %s with protocol type "%s" is %s', (type, protocolType, protocol) => {
  expect(groupProtocol(type, protocolType)).toBe(protocol)
})

test.each([
  ['Stable', 'stable'],
  ['PreparingRebalance', 'preparing-rebalance'],
  ['CompletingRebalance', 'completing-rebalance'],
  ['Assigning', 'assigning'],
  ['Reconciling', 'reconciling'],
  ['Empty', 'empty'],
  ['Dead', 'dead'],
  ['NotReady', 'not-ready'],
  ['', 'unknown'],
  ['constructor', 'unknown'],
  ['Hibernating', 'unknown']
] as const)('group state "%s" is %s', (state, expected) => {
  expect(groupStateOf(state)).toBe(expected)
})
