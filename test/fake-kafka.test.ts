import { logReaderContract, type LogReaderHarness } from './contract/log-reader.contract.ts'
import { fakeKafka } from './support/fake-kafka.ts'

async function fakeHarness(): Promise<LogReaderHarness> {
  const kafka = fakeKafka()
  let names = 0
  return {
    name: 'the fake',
    async createTopic(partitions) {
      const topic = `topic-${names++}`
      kafka.createTopic(topic, partitions)
      return topic
    },
    async recreateTopic(topic) {
      kafka.deleteTopic(topic)
      kafka.createTopic(topic)
    },
    openReader: () => kafka.openReader(),
    openAppender: () => kafka.openAppender('writer'),
    async openTransaction(records) {
      const { commit, abort } = kafka.openTransaction(`open-${names++}`, records)
      return { commit: async () => commit(), abort: async () => abort() }
    },
    async settled() {},
    async deleteRecords(topic, partition, before) {
      kafka.change(topic, partition, log => log.deleteRecords(before < 0 ? log.highWatermark : before))
    },
    close: () => kafka.close()
  }
}

logReaderContract(fakeHarness, 'the fake')
