import { expect, test } from 'vitest'
import { freePortBlock } from './ports.ts'
import { checkKafkaVersion, missingArtifacts, redisIsNewEnough } from './libraries.ts'
import { createServer } from 'node:net'

test.each([
  ['Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc', false],
  ['Redis server v=6.2.11 sha=00000000:0 malloc=libc', true],
  ['Redis server v=10.0.1 sha=00000000:0', true],
  ['', false],
  ['Valkey 8', false]
])('redis-server that says %j: new enough is %s', (version, enough) => {
  expect(redisIsNewEnough(version)).toBe(enough)
})

test.each(['4.1', 'latest', '../4.1.1', '4.1.1; true', '', '4.1.1-rc1', '9999.1.1'])('%j is no version of Kafka, and said to be none', version => {
  expect(() => checkKafkaVersion(version)).toThrow(`KAFKA_VERSION ${JSON.stringify(version)}: Maven Central has no such Kafka; expected a released version`)
})

test.each(['4.1.1', '3.9.0', '4.10.0'])('%s may be a version of Kafka', version => {
  expect(checkKafkaVersion(version)).toBe(version)
})

test.each([
  [
    'The following artifacts could not be resolved: org.apache.kafka:kafka_2.13:jar:9.9.9, org.apache.kafka:kafka-tools:jar:9.9.9: org.apache.kafka:kafka_2.13:jar:9.9.9 was not found in https://repo.maven.apache.org/maven2 during a previous attempt',
    ['kafka_2.13:jar:9.9.9', 'kafka-tools:jar:9.9.9', 'kafka_2.13:jar:9.9.9']
  ],
  [
    'The following artifacts could not be resolved: org.apache.kafka:kafka-tools:jar:4.4.0: Could not find artifact org.apache.kafka:kafka-tools:jar:4.4.0 in central',
    ['kafka-tools:jar:4.4.0', 'kafka-tools:jar:4.4.0']
  ],
  ['The following artifacts could not be resolved: org.apache.kafka:kafka_2.13:jar:4.1.1: Could not transfer artifact: Connection refused', []],
  ['', []]
])('what Maven could not find is told from what it could not ask for: %s', (words, missing) => {
  expect(missingArtifacts(words)).toEqual(missing)
})

test('a block of ports is free from its first to its last', async () => {
  const first = await freePortBlock(13)
  const servers = await Promise.all(Array.from({ length: 13 }, (_, index) => listening(first + index)))
  for (const server of servers) server.close()
})

function listening(port: number) {
  return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
