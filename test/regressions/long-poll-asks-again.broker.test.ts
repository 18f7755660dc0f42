import { expect, test } from 'vitest'
import { openKafka } from '#shared/kafka/index.ts'
import { superUser, unique } from '#test/support/stack.ts'

/**
 * A broker holds one fetch for at most 500 ms. After its empty answer a longer poll took that answer and sent no other fetch until its
 * whole wait was over, so a record that came after a second was handed over after five, and once not at all.
 */
test('a record that comes during a long poll is handed over when it comes', async () => {
  const kafka = await openKafka(superUser())
  const topic = unique('long-poll')
  await kafka.admin.createTopics([{ name: topic, partitions: 1 }])
  const reader = await kafka.openReader()
  const appender = await kafka.openAppender(topic)
  try {
    await appender.fence()
    await reader.assign(topic, 0, 'start')
    const waitMs = 30_000
    const began = performance.now()
    setTimeout(() => void appender.append([{ topic, partition: 0, key: null, value: Buffer.from('late') }]), 1_500)
    const [fetched] = await reader.poll({ maxWaitMs: waitMs })
    expect(fetched?.records.map(({ value }) => value?.toString())).toEqual(['late'])
    expect(performance.now() - began).toBeLessThan(waitMs)
  } finally {
    await reader.close()
    await appender.close()
    await kafka.close()
  }
})
