import { setTimeout as sleep } from 'node:timers/promises'
import { type MirrorLog, type MirrorUnderTest, type MirrorWorld, openMirrorWorld, requireSameBodies } from './audit-mirror-world.ts'
import { type MirrorDoom, type MirrorStep, mirrorSteps } from './doomed-mirror.ts'
import { until } from './replica.ts'
import { randomFrom } from './seeded.ts'

export interface MirrorKillReport {
  /** Of the first topic; each one after it has the next. */
  readonly seed: number
  readonly kills: number
  readonly killsByStep: Readonly<Record<string, number>>
  /** Topics, each by its number of chains. */
  readonly chains: readonly number[]
  readonly entries: number
  /** Events of the sources, each there once and with the body that a mirror wrote which nobody killed. */
  readonly same: number
  readonly seconds: number
}

/** Every step once, and then steps and moments by chance; null is any moment soon after it leads. */
export function mirrorKillPlan(random: () => number, kills: number, first: number): (MirrorDoom | null)[] {
  const countOf = (step: MirrorStep): number => {
    if (step.startsWith('fence')) return 1
    if (step.startsWith('sign') || step.startsWith('anchor')) return 1 + Math.floor(random() * 2)
    return 1 + Math.floor(random() * 8)
  }
  return Array.from({ length: kills }, (_, index) => {
    const step = mirrorSteps[first + index] ?? mirrorSteps[Math.floor(random() * mirrorSteps.length)]!
    return first + index >= mirrorSteps.length && random() < 0.25 ? null : { step, count: countOf(step) }
  })
}

/** One that is to die at a step comes there within this, once it leads; its log may be too quiet for it. */
const patienceMs = 3_000
const lifeMs = 40_000

/**
 * Kills whole mirrors by a plan that follows from the seed, topic after topic, under a load that goes on. Throws when an event was lost, written twice or
 * altered, measured by a mirror that began with it and was not killed, when the chain is broken, or a source tells of a gap.
 */
export async function runMirrorKills(options: {
  readonly seed: number
  readonly kills: number
  readonly killsPerTopic: number
  readonly controllers: readonly string[]
  readonly log: (line: string) => void
}): Promise<MirrorKillReport> {
  const { seed, kills, killsPerTopic, controllers, log } = options
  const killsByStep: Record<string, number> = {}
  const totals = { chains: [] as number[], entries: 0, same: 0 }
  const beganAtMs = performance.now()
  const report = (): MirrorKillReport => {
    const killed = Object.values(killsByStep).reduce((sum, count) => sum + count, 0)
    return { seed, kills: killed, killsByStep, ...totals, seconds: Math.round((performance.now() - beganAtMs) / 1_000) }
  }
  while (report().kills < kills) {
    const { length } = totals.chains
    const here = {
      seed: seed + length,
      kills: Math.min(killsPerTopic, kills - report().kills),
      first: length * killsPerTopic,
      chains: length % 2 === 0 ? 1 : 3
    }
    const world = await openMirrorWorld({ seed: here.seed, controllers })
    try {
      const random = randomFrom(here.seed)
      const { log: written, same } = await oneTopic(world, here.chains, random, mirrorKillPlan(random, here.kills, here.first), killsByStep)
      totals.chains.push(here.chains)
      totals.entries += written.size
      totals.same += same
    } finally {
      await world.close()
    }
    log(JSON.stringify(report()))
  }
  return report()
}

async function oneTopic(
  world: MirrorWorld,
  chains: number,
  random: () => number,
  plan: readonly (MirrorDoom | null)[],
  killsByStep: Record<string, number>
): Promise<{ readonly log: MirrorLog; readonly same: number }> {
  const [killed, calm] = [world.mirror('killed', { chains }), world.mirror('calm', { chains })]
  // The calm one begins with the other and reads the rest at the end, so that it takes nothing from the machine.
  const [first, calmFirst] = [killed.start(), calm.start()]
  await Promise.all([first.leads(), calmFirst.leads()])
  // From its first position on a mirror reads what a file is rotated to: until each source has brought something nothing is rotated.
  const hasBegun = async (mirror: MirrorUnderTest): Promise<boolean> => sourcesOf(await world.read(mirror)).size === 3
  await until(
    'lines of each source are in both logs',
    async () => {
      await world.load(2)
      return (await hasBegun(killed)) && (await hasBegun(calm))
    },
    60_000
  )
  await Promise.all([first.kill(), calmFirst.stop()])
  let next = killed.prepare()
  for (const doom of plan) {
    const { process: victim, go } = next
    const { child } = victim
    const isDead = (): boolean => child.signalCode !== null || child.exitCode !== null
    await victim.said('it has loaded', ({ msg }) => msg === 'loaded')
    go(doom ?? undefined)
    // The one after it loads in the meantime.
    next = killed.prepare()
    let endMs = performance.now() + lifeMs
    for (let leads = false; !isDead() && performance.now() < endMs;) {
      if (!leads && victim.lines.some(({ role }) => role === 'leader')) {
        leads = true
        endMs = performance.now() + (doom ? patienceMs : random() * 700)
      }
      await world.load(1)
      if (random() < 0.05) world.rotate()
      await sleep(random() * 60)
    }
    if (child.exitCode !== null) throw new Error(`a mirror ended with ${child.exitCode}: ${victim.printed().slice(-1_500)}`)
    const where = isDead() ? doom!.step : 'by chance'
    await victim.kill()
    killsByStep[where] = (killsByStep[where] ?? 0) + 1
    // Its successor takes several steps for what it finds then, and may die between them.
    if (random() < 0.2) await world.burst(400)
  }
  next.go()
  await Promise.all([next.process.leads(), calm.start().leads()])
  await world.closing()
  await Promise.all([world.settled(killed, 120_000), world.settled(calm, 120_000)])
  const [log, expected] = [await world.read(killed), await world.read(calm)]
  for (const each of [log, expected]) requireNoGaps(each)
  await next.process.stop()
  const { code, err } = await killed.audit('verify')
  if (code !== 0) throw new Error(`reeve audit verify ended with ${code}: ${err}`)
  return { log, same: requireSameBodies(log, expected, world.linesTopic) }
}

/** Which sources of lines have brought something: the topic's partitions, and the file. */
function sourcesOf({ entries }: MirrorLog): Set<string> {
  return new Set(entries.filter(({ eventType }) => eventType === 'access.denied').map(({ coordinate }) => coordinate.split(/[@#]/)[0]!))
}

function requireNoGaps({ entries }: MirrorLog): void {
  const gaps = gapsIn(entries)
  if (gaps.length > 0) throw new Error(`${gaps.length} gaps are told, and nothing was lost: ${JSON.stringify(gaps[0])}`)
}

/** What the sources of a log lost; that it begins somewhere is no loss. */
export function gapsIn(entries: MirrorLog['entries']): unknown[] {
  return entries.flatMap(({ eventType, value: { payload } }) =>
    eventType === 'audit.gap' && !JSON.stringify(payload).includes('the mirror begins here') ? [payload.unmapped] : []
  )
}
