import { hostname } from 'node:os'
import { type Config, kafkaConnection } from '../config/index.ts'
import { TrustedClock } from '../engine/clock.ts'
import { standingOf } from '../engine/look.ts'
import { Replica, type Ticks } from '../engine/replica.ts'
import { openKafka } from '../kafka/index.ts'
import type { Notifier } from '../notify/notifier.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { say, waitUntilNothingStands } from './people.ts'
import { withState } from './reading.ts'
import type { Cli, Session } from './session.ts'
import { approvalRules, engineSettings, policyOf } from './settings.ts'

/**
 * `reeve release --all`: halts, and gives back everything that stands. A running replica does it; where none leads, this process
 * stands by for the lease like any other replica, leads, gives back and leaves.
 */
export async function releaseAll(cli: Cli, session: Session, why: string, waitMs: number, json: boolean): Promise<void> {
  const before = await withState(session, async store => standingOf(store, null))
  const answer = await say(cli, session, 'release-all', '', why, 5_000)
  const ended = new AbortController()
  const leading = answer.entries.length > 0 ? Promise.resolve() : leadAlone(cli, session, AbortSignal.any([cli.signal, ended.signal]))
  const still = await waitUntilNothingStands(cli, session, waitMs, standing => json || cli.out(`given back: ${standing.describe}`)).finally(() => ended.abort())
  await leading
  if (still.length > 0)
    throw new CommandFailure(
      exitCodes.unanswered,
      `${still.length} still stand`,
      still.map(({ key, describe }) => `${key}: ${describe}`)
    )
  if (json) cli.out(JSON.stringify({ givenBack: before.map(({ key }) => key) }))
  else cli.out(`nothing stands any more (${before.length} given back); Reeve is halted, ${goOn(session.config)}`)
}

/** The kill switch is now this person's, who may not lift it where two are needed. */
function goOn({ approvals, cluster }: Config): string {
  const command = `reeve ${cluster.oneOfSeveral ? `--cluster ${cluster.name} ` : ''}halt --lift`
  return approvals.otherPerson ? `and another person must lift it (approvals.otherPerson): ${command}` : `go on with: ${command}`
}

async function leadAlone(cli: Cli, { config, kafka, clusterId, topics }: Session, signal: AbortSignal): Promise<void> {
  const agents = await Promise.all(
    cli.agents.map(async agent => ({
      agent,
      policy: policyOf(config, agent),
      act: false,
      kafka: await openKafka(kafkaConnection(config, agent.name))
    }))
  )
  const log = {
    debug() {},
    info: (_: object, message: string) => cli.err(message),
    warn: (_: object, message: string) => cli.err(message),
    error: (_: object, message: string) => cli.err(message)
  }
  let replica: Replica | null = null
  const ticks = localTicks(name => replica!.turnNow(name), log.warn)
  try {
    replica = new Replica({
      clusterId,
      topics,
      kafka,
      agents,
      ticks,
      notifier: noMessages,
      clock: new TrustedClock(Date.now, async () => null),
      settings: engineSettings(config, `release-${hostname()}-${process.pid}`),
      approvals: approvalRules(config),
      hooks: {},
      log,
      onTick() {},
      onRole() {}
    })
    await replica.run(signal)
  } finally {
    await Promise.all(agents.map(agent => agent.kafka.close()))
  }
}

/** Turns without Redis, for one short reign: one at a time, each name once a second. */
function localTicks(run: (name: string) => Promise<void>, warn: (fields: object, message: string) => void): Ticks {
  let last: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const ask = (name: string): Promise<void> =>
    (last = last.then(() => run(name)).catch((error: unknown) => warn({}, `${name}: ${error instanceof Error ? error.message : String(error)}`)))
  return {
    lead(schedules) {
      timer = setInterval(() => schedules.forEach(({ name }) => void ask(name)), 1_000)
    },
    stepDown: () => clearInterval(timer),
    async ask(name) {
      void ask(name)
    }
  }
}

/** A command that gives back tells nobody: the next replica does. */
const noMessages: Notifier = {
  destinations: () => [
    {
      id: 'release',
      reachesPeople: false,
      digestAbove: null,
      deliver: async () => ({ ok: false, retryable: true, error: 'release --all sends no messages; the next replica does' })
    }
  ]
}
