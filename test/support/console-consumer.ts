import { javaOutput, stack } from './stack.ts'

/**
 * Lines that Java's console consumer, read_committed, prints of a topic that has records, of those that `isRecord` knows. It ends once nothing came for
 * a while; on a busy machine it may not even have joined by then, so it gets a second, longer time.
 */
export async function consoleConsumer(topic: string, isRecord: (line: string) => boolean, more: readonly string[] = []): Promise<string[]> {
  for (const timeoutMs of [6_000, 40_000]) {
    const args = ['--bootstrap-server', stack().brokers.join(','), '--topic', topic, '--from-beginning', '--isolation-level', 'read_committed']
    const output = await javaOutput('org.apache.kafka.tools.consumer.ConsoleConsumer', [...args, '--timeout-ms', String(timeoutMs), ...more])
    const lines = output.split('\n').filter(isRecord)
    if (lines.length > 0) return lines
  }
  return []
}
