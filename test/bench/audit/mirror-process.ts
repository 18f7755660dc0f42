import { auditMirror } from '#agents/audit-mirror/index.ts'
import { policySchema } from '#agents/audit-mirror/policy.ts'
import { leaseTimes } from '#shared/engine/lease.ts'
import { runStream } from '#shared/engine/stream-replica.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { notifierOf } from '#test/support/replica.ts'

/** The mirror in a process of its own. Standard output: a JSON line each second, {"residentMegabytes", "cpuMs"}. */
export interface MirrorTask {
  readonly brokers: readonly string[]
  readonly prefix: string
  readonly policy: object
}

const { brokers, prefix, policy } = JSON.parse(process.argv[2]!) as MirrorTask
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const kafka = await openKafka({ brokers, clientId: 'bench-mirror' })
const { clusterId } = await kafka.admin.features()
const silent = () => undefined
const log = {
  debug: silent,
  info: silent,
  warn: (_: object, message: string) => console.error(message),
  error: (_: object, message: string) => console.error(message)
}
const telling = setInterval(() => {
  const { user, system } = process.cpuUsage()
  console.log(JSON.stringify({ residentMegabytes: Math.round(process.memoryUsage.rss() / 1e6), cpuMs: Math.round((user + system) / 1_000) }))
}, 1_000)
await runStream(
  {
    clusterId,
    kafka,
    prefix,
    holder: 'bench',
    log,
    stream: auditMirror,
    policy: policySchema.parse(policy),
    times: leaseTimes,
    notifier: notifierOf(async () => ({ ok: true })),
    onRole: silent
  },
  stop.signal
)
clearInterval(telling)
await kafka.close()
