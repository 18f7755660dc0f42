import type { Stack } from '#test/support/stack.ts'
import type { DemoTopic } from './cast.ts'
import type { Processes } from './processes.ts'

/** Kafka's own producer benchmark fills a topic with records of 100 bytes. */
export async function produceBacklog(stack: Stack, processes: Processes, propertiesFile: string, { name, backlog }: DemoTopic): Promise<void> {
  const [program = 'java', ...before] = stack.java
  const settings = [`bootstrap.servers=${stack.saslBrokers.join(',')}`, 'acks=1', 'batch.size=131072', 'linger.ms=20', 'buffer.memory=67108864']
  const tool = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-cp', `${stack.kafkaLibs}/*`, 'org.apache.kafka.tools.ProducerPerformance']
  const args = [
    '--topic',
    name,
    '--num-records',
    String(backlog),
    '--record-size',
    '100',
    '--throughput',
    '-1',
    '--producer.config',
    propertiesFile,
    '--producer-props',
    ...settings
  ]
  const lines: string[] = []
  const ended = await processes.start('backlog', [program, ...before, ...tool, ...args], { onLine: line => lines.push(line) }).ended
  if (ended !== 0) throw new Error(`the backlog of ${name} could not be produced: ProducerPerformance ended with ${ended}: ${lines.slice(-3).join(' ')}`)
}
