import crypto from 'node:crypto'
import files from 'node:fs/promises'
import { flushCompileCache, syncBuiltinESMExports } from 'node:module'
import { parseArgs } from 'node:util'
import { catalogue, streams } from '#agents/catalogue.ts'
import { readConfig } from '#shared/cli/session.ts'
import { kafkaConnection } from '#shared/config/index.ts'
import { runStream } from '#shared/engine/stream-replica.ts'
import { openKafka } from '#shared/kafka/index.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import { openLog } from '#shared/telemetry/log.ts'
import { firstLine } from './first-line.ts'
import { notifierOf } from './replica.ts'

/** Before and after each: the fence, a look at where logs begin and end, a batch, a commit, a signature, a file at the anchor. */
export const mirrorSteps = ['fence', 'fenced', 'look', 'looked', 'produce', 'produced', 'commit', 'committed', 'sign', 'signed', 'anchor', 'anchored'] as const
export type MirrorStep = (typeof mirrorSteps)[number]

/** Where a process kills itself (SIGKILL), so that no code runs behind it: at the count-th time that it comes there. */
export interface MirrorDoom {
  readonly step: MirrorStep
  readonly count: number
}

/** How a test starts one. */
export interface MirrorStart extends Partial<MirrorDoom> {
  /** Loads, says `loaded`, and waits on its standard input for a line: the doom, as JSON. */
  readonly waits?: boolean
  /** How long nothing is heard of a leader before this one takes over. */
  readonly takeOverAfterMs?: number
}

/** What `reeve stream audit-mirror` runs, with a lease of a second and a half in place of what a whole Reeve needs, and the doom that a test gives it. */
if (process.argv[2]?.startsWith('{')) await main(JSON.parse(process.argv[2]) as MirrorStart)

async function main({ waits = false, takeOverAfterMs = 1_500, ...given }: MirrorStart): Promise<void> {
  if (waits) {
    // Now, since most of these processes never end in order.
    flushCompileCache()
    console.log(JSON.stringify({ msg: 'loaded' }))
  }
  const { step, count = 1 } = waits ? (JSON.parse(await firstLine()) as Partial<MirrorDoom>) : given
  const apis: Readonly<Record<number, readonly [MirrorStep, MirrorStep]>> = {
    0: ['produce', 'produced'],
    2: ['look', 'looked'],
    22: ['fence', 'fenced'],
    26: ['commit', 'committed']
  }
  let left = count
  const reach = (reached: MirrorStep | undefined): void => {
    if (step !== undefined && reached === step && --left <= 0) process.kill(process.pid, 'SIGKILL')
  }
  const { sign } = crypto
  const { link } = files
  Object.assign(crypto, {
    sign(...args: Parameters<typeof sign>) {
      reach('sign')
      const signature = sign(...args)
      reach('signed')
      return signature
    }
  })
  Object.assign(files, {
    async link(...args: Parameters<typeof link>) {
      reach('anchor')
      await link(...args)
      reach('anchored')
    }
  })
  syncBuiltinESMExports()
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
        times: { renewEveryMs: takeOverAfterMs / 5, takeOverAfterMs, effectMustStartWithinMs: 100, effectDeadlineMs: 100 },
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
