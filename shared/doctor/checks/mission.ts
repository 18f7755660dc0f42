import { tooFewBrokers } from '../../audit-log/topic.ts'
import { restingIntervalMs } from '../../domain/scan-pace.ts'
import { setAtStart } from '../commands.ts'
import { type Facts, known, type Settings } from '../facts.ts'
import { counted, type Finding, inArea, type Severity } from '../finding.ts'
import type { FindingId } from '../finding-ids.ts'

const finding = inArea('mission')

/** The limits that the platform's plan sets, in milliseconds. */
export const missionLimits = { reElectionMs: 10_000, inSyncMs: 30_000, lagAlertMs: 60_000, detectionMs: 120_000 } as const

/** Kafka's own defaults, where a broker does not list the setting. */
const defaults = { 'broker.session.timeout.ms': 9_000, 'controller.quorum.fetch.timeout.ms': 2_000, 'replica.lag.time.max.ms': 30_000 } as const

/** How long Kafka takes, by its settings alone; what the network and the load add comes on top. */
export function failoverTimes(settings: Settings): { leaderMs: number; controllerMs: number; inSyncMs: number } {
  const of = (name: keyof typeof defaults): number => {
    const value = Number(settings.get(name)?.value ?? Number.NaN)
    return Number.isFinite(value) ? value : defaults[name]
  }
  const session = of('broker.session.timeout.ms')
  return {
    // The controller fences a broker whose session ran out, and then elects.
    leaderMs: session,
    // The other voters miss the leader first; a new controller then starts the session of every broker again.
    controllerMs: of('controller.quorum.fetch.timeout.ms') + session,
    // In-sync replicas are looked at every half of the time that a replica may lag (ReplicaManager).
    inSyncMs: of('replica.lag.time.max.ms') * 1.5
  }
}

/** Whether the limits of the mission can be kept on this cluster as it is set. */
export function missionFindings(facts: Facts): Finding[] {
  const settings = known(facts.settings)
  const first = [...(settings?.values() ?? [])][0]
  return [...(first ? failover(facts, worst([...settings!.values()])) : [unknown()]), ...ownTimes(facts), ...durability(facts)]
}

function unknown(): Finding {
  return finding(
    'unknown',
    'mission-unknown',
    'whether re-election within 10 s and replicas in sync within 30 s can be kept is not known',
    "With Kafka's defaults neither can: 11 s when the controller is killed, 45 s until a replica is out of sync. The brokers' settings could not be read (above)."
  )
}

/** Each broker may be the one: the slowest counts. */
function worst(all: readonly Settings[]): ReturnType<typeof failoverTimes> {
  const times = all.map(failoverTimes)
  return {
    leaderMs: Math.max(...times.map(({ leaderMs }) => leaderMs)),
    controllerMs: Math.max(...times.map(({ controllerMs }) => controllerMs)),
    inSyncMs: Math.max(...times.map(({ inSyncMs }) => inSyncMs))
  }
}

function failover({ config, clocks, view }: Facts, { leaderMs, controllerMs, inSyncMs }: ReturnType<typeof failoverTimes>): Finding[] {
  const { reElectionMs, inSyncMs: inSyncLimit } = missionLimits
  const quicker = setAtStart({ 'broker.session.timeout.ms': '6000', 'broker.heartbeat.interval.ms': '1000' })
  const brokers = known(view)?.brokers.map(({ id }) => id) ?? []
  const apart = known(clocks.controller)?.voters.some(voter => !brokers.includes(voter)) === true
  const caveat = apart ? ['The controllers are processes of their own: theirs are the settings that count, and brokers do not show them.'] : []
  const judge = (id: FindingId, what: string, takesMs: number, limitMs: number, how: string, remedy: string): Finding => {
    const [severity, verdict]: [Severity, string] = takesMs < limitMs ? ['ok', 'within'] : ['warning', 'beyond']
    return finding(
      severity,
      id,
      `${what}: about ${seconds(takesMs)}, ${verdict} the limit of ${seconds(limitMs)}`,
      [how, ...caveat],
      severity === 'ok' ? [] : remedy
    )
  }
  const found = [
    judge('mission-leader-kill', 'a killed leader is replaced', leaderMs, reElectionMs, 'broker.session.timeout.ms', quicker),
    judge(
      'mission-controller-kill',
      'a killed controller that leads is replaced',
      controllerMs,
      reElectionMs,
      'controller.quorum.fetch.timeout.ms and broker.session.timeout.ms, one after the other',
      quicker
    ),
    judge(
      'mission-isr',
      'a replica that is cut off leaves the in-sync set',
      inSyncMs,
      inSyncLimit,
      '1.5 times replica.lag.time.max.ms: until then acks=all waits for it',
      setAtStart({ 'replica.lag.time.max.ms': '18000' })
    )
  ]
  if (config.lease.takeOverAfterMs <= controllerMs)
    found.push(
      finding(
        'warning',
        'lease-short',
        `lease.takeOverAfter is ${seconds(config.lease.takeOverAfterMs)}, and electing a leader may take ${seconds(controllerMs)}`,
        'A broker that is lost would also change who leads Reeve, for nothing.',
        `lease: { takeOverAfter: ${Math.ceil((controllerMs * 2) / 1000)}s }`
      )
    )
  return found
}

/** From a spike of lag to the look that shows it: it may come just after a scan, and a rate needs two. */
const scansToSee = 2

/** Reeve's own part. A scan that takes long comes less often than configured, up to four times: a shorter interval bounds that. */
function ownTimes({ config, scanMs }: Facts): Finding[] {
  const { intervalMs } = config.observer
  const { lagAlertMs, detectionMs } = missionLimits
  const everyMs = (configuredMs: number): number => (scanMs === null ? configuredMs : restingIntervalMs(configuredMs, scanMs))
  const seenMs = scansToSee * everyMs(intervalMs)
  const good = seenMs <= lagAlertMs
  const limit =
    seenMs <= detectionMs ? `the limit of ${seconds(lagAlertMs)}` : `the limits of ${seconds(lagAlertMs)}, and ${seconds(detectionMs)} for any trouble`
  const enoughMs = [30_000, 7_000].find(configuredMs => scansToSee * everyMs(configuredMs) <= lagAlertMs)!
  const slowed =
    scanMs === null
      ? ['How long a scan takes is not known; where it takes long, scans come up to four times further apart.']
      : everyMs(intervalMs) > intervalMs
        ? [
            `A scan took ${Math.round(scanMs)} ms just now. So that it is no burden, it comes every ${seconds(everyMs(intervalMs))} in place of ${seconds(intervalMs)}.`,
            `At ${seconds(enoughMs)} it would come every ${seconds(everyMs(enoughMs))}: requests that arrive during a scan wait for it, and their 99th percentile would show it.`
          ]
        : []
  return [
    finding(
      !good ? 'warning' : scanMs === null ? 'unknown' : 'ok',
      'mission-lag-alert',
      `a spike of lag is seen within ${seconds(seenMs)} (two scans), ${good ? 'within' : 'beyond'} ${limit}`,
      ['Told is what lasts: lagFor and noProgressFor of the policy come on top.', ...slowed],
      good ? [] : `observer: { interval: ${enoughMs / 1_000}s }`
    )
  ]
}

/** Nothing lost with one broker; and how far the audit topic's three in-sync replicas can be had. */
function durability({ view, audits }: Facts): Finding[] {
  const seen = known(view)
  if (seen === null || seen.topics.size === 0) return []
  const count = seen.brokers.length
  const few = audits.length > 0 || count >= 3 ? tooFewBrokers(count) : null
  const single = [...seen.topics.values()].filter(({ partitions }) => partitions.some(({ replicas }) => replicas < 2)).length
  return [
    ...(count < 3
      ? [
          finding(
            'warning',
            'mission-brokers',
            `the cluster has ${counted(count, 'broker')}`,
            'Losing nothing with one broker needs three: two copies in sync while one is away.'
          )
        ]
      : []),
    ...(single > 0 && count > 1
      ? [
          finding(
            'note',
            'mission-single-copies',
            `${single} of ${counted(seen.topics.size, 'topic')} have one replica`,
            'A disk that dies takes them with it: "0 messages lost" does not hold for them.'
          )
        ]
      : []),
    ...(few === null
      ? []
      : [
          finding('note', 'mission-audit-isr', '3 in-sync replicas for the audit topic need 4 brokers', [
            few,
            'More in sync than that, and one broker down would stop it.'
          ])
        ])
  ]
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(1))} s`
}
