import { openLogReader } from '#shared/kafka/log-reader/index.ts'
import { counter, reading } from './reading.ts'

const reader = await openLogReader({ brokers: reading.brokers, clientId: 'bench' })
for (let partition = 0; partition < reading.partitions; partition++) await reader.assign(reading.topic, partition, 'start')
const { begin, count } = counter()
begin()
for (let done = false; !done;) {
  let records = 0
  for (const fetched of await reader.poll()) records += fetched.records.length
  done = count(records)
}
await reader.close()
