import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, ITopicConfig } from 'kafkajs'

/**
 * Makes a topic and waits for its leaders. kafkajs's own wait throws where it asks a broker that has not heard of the topic yet. False where the topic
 * is there already.
 */
export async function createTopicWithLeaders(admin: Admin, topic: ITopicConfig): Promise<boolean> {
  const created = await admin.createTopics({ waitForLeaders: false, timeout: 60_000, topics: [topic] })
  if (!created) return false
  for (const late = performance.now() + 60_000; ; await sleep(50)) {
    const found = await admin.fetchTopicMetadata({ topics: [topic.topic] }).catch((error: Error) => error)
    if (!(found instanceof Error) && found.topics[0]!.partitions.every(({ leader }) => leader >= 0)) return true
    if (performance.now() > late) throw new Error(`${topic.topic} has no leaders after a minute: ${JSON.stringify(found)}`, { cause: found })
  }
}
