import type { StackOptions } from '#deploy/local/stack.ts'
import type { Fault } from './appender-faults.ts'
import { randomFrom } from './seeded.ts'

/** Elections and time-outs of transactions within seconds, so that many fit into a run. */
export const faultStack: StackOptions = {
  heapMb: 384,
  properties: {
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000'
  }
}

/** Which fault comes when: follows from the seed alone. A zombie or a stall is no kill, and comes on top. */
export function faultPlan(seed: number, kills: number): Fault[] {
  const random = randomFrom(seed)
  const plan: Fault[] = []
  for (let killed = 0; killed < kills;) {
    const draw = random()
    if (draw < 0.12) plan.push({ kind: 'zombie', meanwhile: 0 })
    else if (draw < 0.16) plan.push({ kind: 'stall', meanwhile: 0 })
    else if (draw < 0.6) plan.push({ kind: 'process', meanwhile: 0 })
    else plan.push({ kind: draw < 0.8 ? 'leader' : 'coordinator', meanwhile: Math.min(Math.floor(random() * 4), kills - killed - 1) })
    if (draw >= 0.16) killed += 1 + plan.at(-1)!.meanwhile
  }
  return plan
}
