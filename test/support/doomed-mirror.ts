import { parseArgs } from 'node:util'
import { catalogue, streams } from '#agents/catalogue.ts'
import { readConfig } from '#shared/cli/session.ts'
import { kafkaConnection } from '#shared/config/index.ts'
import { runStream } from '#shared/engine/stream-replica.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import { openLog } from '#shared/telemetry/log.ts'
import { notifierOf } from './replica.ts'

/** Requests of a writer, before they are sent and when their answer is there. */
export const mirrorSteps = ['fence', 'fenced', 'produce', 'produced', 'commit', 'committed'] as const

/** Where a process kills itself (SIGKILL), so that no code runs behind it: at a request of its writer, the count-th of that kind. */
export interface MirrorDoom {
  readonly step: (typeof mirrorSteps)[number]
  readonly count: number
}

/** What `reeve stream audit-mirror` runs, with a lease of a second and a half in place of what a whole Reeve needs, and the doom that a test gives it. */
if (process.argv[2]?.startsWith('{')) await main(JSON.parse(process.argv[2]) as Partial<MirrorDoom>)

async function main({ step, count = 1 }: Partial<MirrorDoom>): Promise<void> {
  const apis: Readonly<Record<number, readonly [string, string]>> = { 0: ['produce', 'produced'], 22: ['fence', 'fenced'], 26: ['commit', 'committed'] }
  let left = count
  const reach = (reached: string | undefined): void => {
    if (step !== undefined && reached === step && --left <= 0) process.kill(process.pid, 'SIGKILL')
  }
  const request = Cluster.prototype.request
  Cluster.prototype.request = async function (this: Cluster, target, api, ...args) {
    const around = apis[api.key]
    reach(around?.[0])
    const answer = await request.call(this, target, api as never, ...(args as unknown as never[]))
    reach(around?.[1])
    return answer as never
  }
  const stop = new AbortController()
  process.once('SIGTERM', () => stop.abort())
  const { values } = parseArgs({ args: process.argv.slice(3), options: { config: { type: 'string' } }, allowPositionals: true })
  const nowhere = () => undefined
  const cli = { agents: catalogue, streams, env: process.env, out: nowhere, err: nowhere, width: undefined, signal: stop.signal }
  const config = readConfig(cli, { config: values.config! })
  const log = openLog({ level: config.log.level })
  const kafka = await openKafka(kafkaConnection(config, 'audit-mirror'))
  try {
    const { clusterId } = await kafka.admin.features()
    await runStream(
      {
        clusterId,
        kafka,
        prefix: config.topics.prefix,
        holder: `mirror-${process.pid}`,
        log,
        stream: streams.find(({ name }) => name === 'audit-mirror')!,
        policy: config.agents['audit-mirror']!.policy,
        times: { renewEveryMs: 300, takeOverAfterMs: 1_500, effectMustStartWithinMs: 100, effectDeadlineMs: 100 },
        notifier: notifierOf(async () => ({ ok: true })),
        onRole: role => log.info({ role }, `it is ${role}`)
      },
      stop.signal
    )
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  } finally {
    await kafka.close()
  }
}
