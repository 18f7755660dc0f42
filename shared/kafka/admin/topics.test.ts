import { expect, test } from 'vitest'
import type { Cluster } from '../cluster.ts'
import { createTopics, deleteTopicById } from './topics.ts'

const topicId = '00000000-0000-0000-0000-00000000000a'

/** Answers each request with the next list of error codes, one a topic, and metadata with the next leader; the last stays. */
function controller(errorCodes: number[][], leaders: number[] = [1]) {
  const asked: string[][] = []
  const cluster = {
    async request(_target: unknown, _api: unknown, topics: { name: string | null }[]) {
      const codes = errorCodes[Math.min(asked.length, errorCodes.length - 1)]!
      asked.push(topics.map(topic => topic.name ?? topicId))
      const answers = topics.map(({ name }, index) => ({ name, topicId, errorCode: codes[index], errorMessage: codes[index] === 0 ? null : 'in words' }))
      return { throttleTimeMs: 1, topics: answers, responses: answers }
    },
    async metadata(names: string[]) {
      const leaderId = leaders.length > 1 ? leaders.shift()! : leaders[0]!
      return { topics: names.map(name => (leaderId === 0 ? { name, errorCode: 3, partitions: [] } : { name, errorCode: 0, partitions: [{ leaderId }] })) }
    }
  }
  return { asked, leaders, cluster: cluster as unknown as Cluster }
}

const settings = (...names: string[]) => names.map(name => ({ name, partitions: 1 }))

test('a throttled controller is asked again for what it did not create, and for nothing else', async () => {
  const { asked, cluster } = controller([[0, 89, 36], [89], [0]])
  expect(await createTopics(cluster, settings('a', 'b', 'c'))).toEqual({ created: ['a', 'b'], existed: ['c'] })
  expect(asked).toEqual([['a', 'b', 'c'], ['b'], ['b']])
})

test('a throttled deletion is asked again', async () => {
  const { asked, cluster } = controller([[89], [0]])
  await deleteTopicById(cluster, topicId)
  expect(asked).toEqual([[topicId], [topicId]])
})

test('a topic is created when the brokers know it and it has leaders', async () => {
  const { leaders, cluster } = controller([[0]], [0, -1, 2])
  await createTopics(cluster, settings('a'))
  expect(leaders).toEqual([2])
})

test('every refused topic is named', async () => {
  const { cluster } = controller([[29, 37, 0]])
  await expect(createTopics(cluster, settings('a', 'b', 'c'))).rejects.toThrow('creating topic a: TOPIC_AUTHORIZATION_FAILED: in words; b: INVALID_PARTITIONS')
})

test('a creation that timed out may have happened', async () => {
  await expect(createTopics(controller([[7]]).cluster, settings('a'))).rejects.toMatchObject({ apiError: 'REQUEST_TIMED_OUT', outcome: 'unknown' })
})

test('nothing to create asks nobody', async () => {
  const { asked, cluster } = controller([[0]])
  expect(await createTopics(cluster, [])).toEqual({ created: [], existed: [] })
  expect(asked).toEqual([])
})
