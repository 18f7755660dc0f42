import { groupId, hour, Simulation } from '#agents/consumer-guardian/simulation.ts'
import type { GuardianSnapshot } from '#agents/consumer-guardian/observe.ts'
import type { Unseen } from '#shared/domain/cluster-view.ts'
import type { Moment, Sample } from './sample.ts'

let incidents = 0

/** A group that adopted the SDK, stuck far behind, and an owner whose policy pauses it. */
function moment(): Moment {
  const simulation = new Simulation({ pauseOn: ['stuckBehind'] })
  simulation.atMs += incidents++ * 24 * hour
  simulation.gateOpen = false
  const { given } = simulation.until('to be paused')
  return { policy: simulation.policy, snapshot: given.snapshot, memory: given.memory, nowMs: given.nowMs }
}

const look =
  (change: (snapshot: GuardianSnapshot) => Partial<GuardianSnapshot>) =>
  (given: Moment): Moment => {
    const snapshot = given.snapshot as GuardianSnapshot
    return { ...given, snapshot: { ...snapshot, ...change(snapshot) } }
  }
/** As observe does: what was not seen of the cluster is missing from the look at each group. */
const unseen = (kind: Unseen['kind'], id: string) =>
  look(snapshot => ({
    unseen: [{ kind, id, why: 'a test hides it' }],
    groups: new Map([...snapshot.groups].map(([name, facts]) => [name, { ...facts, missing: [`${kind} ${id} was not seen`] }]))
  }))

export const sample: Sample = {
  moment,
  incomplete: {
    'a broker that did not answer': unseen('broker', '2'),
    'no topic seen': unseen('topics', '*'),
    'no group list from a broker': unseen('groups', 'broker 2'),
    'the commits of the group': unseen('group-offsets', groupId),
    'a partition it reads': unseen('partition', 'orders-0'),
    'clocks that disagree': unseen('clock', 'now'),
    'a cluster that is being worked on': unseen('maintenance', 'declared'),
    'a gap in the observations': look(() => ({ gap: true })),
    'an empty list of groups': look(() => ({ groups: new Map() })),
    'no memory of earlier looks': given => ({ ...given, memory: new Map() }),
    'a partition without a leader': look(() => ({ leaderless: [{ topic: 'orders', partition: 0 }] })),
    'a clock 40 days ahead': given => ({ ...given, nowMs: given.nowMs + 40 * 24 * hour }),
    'a clock 40 days behind': given => ({ ...given, nowMs: given.nowMs - 40 * 24 * hour })
  }
}
