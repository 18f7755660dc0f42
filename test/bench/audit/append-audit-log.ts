import { openAuditLog } from '#shared/audit-log/writer.ts'
import { transactionalIdOf } from '#shared/audit-log/place.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { deniedEvent, newSigner } from '#test/support/audit-events.ts'

/** One run of the audit log's writer, in a process of its own: from the first event to the last commit. */
export interface AppendTask {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly events: number
  readonly batch: number
}

export interface AppendResult {
  readonly eventsPerSecond: number
  readonly eventsPerCpuSecond: number
  readonly residentMegabytes: number
}

const { brokers, topic, events, batch } = JSON.parse(process.argv[2]!) as AppendTask
const kafka = await openKafka({ brokers, clientId: 'bench-audit' })
const place = { prefix: 'reeve.audit', clusterId: 'a-cluster', topic, partition: 0 }
const [appender, reader] = [await kafka.openAppender(transactionalIdOf(place)), await kafka.openReader()]
const log = await openAuditLog({
  place,
  appender,
  reader,
  topicId: 'AAAA',
  signers: [newSigner('reeve.audit/a-cluster')],
  anchors: [],
  circumstances: () => ({ powers: [], excluded: {}, silent: [] })
})
const offer = async (from: number, to: number): Promise<void> => {
  for (let number = from; number < to; number += batch) {
    const some = Array.from({ length: Math.min(batch, to - number) }, (_, index) => deniedEvent(number + index))
    await log.offer({ events: some, positions: { list: { through: number + some.length, resume: number + some.length } } })
  }
  await log.flushed()
}
const warm = Math.min(10_000, events)
await offer(0, warm)
const [startedMs, cpu] = [performance.now(), process.cpuUsage()]
await offer(warm, warm + events)
const seconds = (performance.now() - startedMs) / 1_000
const { user, system } = process.cpuUsage(cpu)
const result: AppendResult = {
  eventsPerSecond: events / seconds,
  eventsPerCpuSecond: events / ((user + system) / 1e6),
  residentMegabytes: process.memoryUsage.rss() / 1e6
}
console.log(JSON.stringify(result))
await log.close()
await appender.close()
await reader.close()
await kafka.close()
