import { Consumer } from '@platformatic/kafka'
import { counter, reading } from './reading.ts'

const consumer = new Consumer({ bootstrapBrokers: [...reading.brokers], clientId: 'bench', groupId: `bench-${process.pid}-${Date.now()}` })
const stream = await consumer.consume({ topics: [reading.topic], mode: 'earliest', autocommit: false, maxWaitTime: 500 })
const { begin, count } = counter()
stream.on('data', () => {
  // The join is not counted: the clock starts with the first record.
  begin()
  if (count(1)) void consumer.close(true)
})
