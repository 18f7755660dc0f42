import { TrustedClock } from '../engine/clock.ts'
import type { EngineSettings, Governed, TurnContext } from '../engine/engine.ts'
import type { Latest } from '../engine/fold.ts'
import { Observations } from '../engine/observations.ts'
import { observerState } from '../engine/observer.ts'
import { openPorts } from '../engine/ports.ts'
import { StateStore } from '../engine/state.ts'
import { rehearse, type Rehearsal } from '../engine/turn.ts'
import { kafkaConnection } from '../config/index.ts'
import { openKafka } from '../kafka/index.ts'
import { engineSettings, policyOf } from './settings.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { Cli, Session } from './session.ts'

/** Reads the state topic to its end, without leading and without a right to write. */
export async function withState<T>(session: Session, work: (store: StateStore) => Promise<T>): Promise<T> {
  const store = new StateStore(session.topics.state, await session.kafka.openReader())
  try {
    await store.open()
    return await work(store)
  } finally {
    await store.close()
  }
}

export interface Rehearsed {
  readonly agent: string
  readonly rehearsal: Rehearsal
}

/** What each agent would do now: the same code as a turn, up to before the first write. */
export async function rehearseAll(cli: Cli, session: Session, only?: string): Promise<Rehearsed[]> {
  const wanted = cli.agents.filter(({ name }) => session.config.agents[name]?.enabled !== false && (only === undefined || name === only))
  if (wanted.length === 0)
    throw new CommandFailure(
      exitCodes.unanswered,
      only === undefined ? 'no agent is enabled' : `no enabled agent is called ${only}; there are: ${cli.agents.map(({ name }) => name).join(', ')}`
    )
  return withState(session, async store => {
    const latest = await latestObservation(session, store)
    const settings: EngineSettings = engineSettings(session.config, 'command line')
    const context: TurnContext = { settings, hooks: {}, log: silent }
    // The second clock is the broker's: its time of the lease's last renewal, seconds ago where a replica leads.
    const clock = new TrustedClock(Date.now, async () => null)
    clock.noteBroker(store.lastAppendTimeMs)
    const now = await clock.now()
    const rehearsed: Rehearsed[] = []
    for (const agent of wanted) {
      const configured = session.config.agents[agent.name]
      const kafka = await openKafka(kafkaConnection(session.config, agent.name))
      const ports = await openPorts(kafka, session.clusterId, session.topics, `${session.topics.control}.${agent.name}`)
      try {
        const governed: Governed = { agent, policy: policyOf(session.config, agent), act: configured?.act ?? false, ports }
        rehearsed.push({ agent: agent.name, rehearsal: await rehearse(context, store, governed, latest, now) })
      } finally {
        await ports.close()
        await ports.appender.close()
        await kafka.close()
      }
    }
    return rehearsed
  })
}

async function latestObservation(session: Session, store: StateStore): Promise<Latest> {
  const observations = new Observations(session.topics.observations, await session.kafka.openReader())
  try {
    await observations.open(observerState(store)?.keyFrameOffset ?? null)
    const latest = await observations.latest()
    if (latest === null)
      throw new CommandFailure(exitCodes.unanswered, `${session.topics.observations} holds no complete observation yet: is a replica running (reeve run)?`)
    return latest
  } finally {
    await observations.close()
  }
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }
