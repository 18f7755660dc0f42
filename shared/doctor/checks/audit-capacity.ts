import { auditTopicSettings } from '../../audit-log/topic.ts'
import { type AuditFacts, dayMs } from '../audit-facts.ts'
import { type Growth, growthOf } from '../audit-growth.ts'
import { setTopic } from '../commands.ts'
import { type Facts, known } from '../facts.ts'
import { counted, type Finding, inArea } from '../finding.ts'

const finding = inArea('audit')
const tenYearsMs = Number(auditTopicSettings('', 1, 1).configs['retention.ms'])
const yearMs = tenYearsMs / 10

const unknownFigures = { bytesPerDay: null, measuredOverMs: null, tenYearBytes: null, freeBytes: null, fullAfterMs: null }

/** Ten years of the log beside the disks that hold it. */
export function auditCapacityFindings(facts: Facts, audit: AuditFacts): Finding[] {
  const { topic } = audit.ground
  const view = known(facts.view)?.topics.get(topic)
  if (!view) return []
  const remote = known(facts.topicSettings)?.get(topic)?.get('remote.storage.enable')?.value === 'true'
  const replicas = Math.max(...view.partitions.map(partition => partition.replicas))
  const growth: ReturnType<typeof growthOf> = remote
    ? { why: 'tiered storage holds a part of it, whose size no broker tells', sizeBytes: null, ageMs: null }
    : growthOf(audit, view)
  if ('why' in growth) {
    const { why, sizeBytes, ageMs } = growth
    const soFar = [sizeBytes === null ? [] : [bytes(sizeBytes)], ageMs === null ? [] : [`in ${span(ageMs)}`]].flat().join(' ')
    return [
      {
        ...finding(
          'unknown',
          'audit-capacity',
          `how much ten years of ${topic} take is not known: ${why}${soFar ? ` (${soFar} so far)` : ''}`,
          sizeBytes === null ? [] : 'Look again when it has been written for a day, or better a week.'
        ),
        figures: { ...unknownFigures, ageMs, sizeBytes, replicas }
      }
    ]
  }
  return [judged(facts, audit, growth, replicas)]
}

/** One disk that holds replicas of the log: what they still take in ten years, and what is free. */
interface Place {
  readonly broker: number
  readonly logDir: string
  readonly neededBytes: number
  readonly usableBytes: number | null
  readonly bytesPerDay: number
}

function judged(facts: Facts, audit: AuditFacts, growth: Growth, replicas: number): Finding {
  const { topic } = audit.ground
  const { bytesPerDay, measuredOverMs, sizeBytes, ageMs } = growth
  const tenYearBytes = Math.round((bytesPerDay / dayMs) * tenYearsMs)
  const { value: disks, unseen } = known(audit.disks)!
  const places = disks.flatMap(disk => placeOf(disk, topic, growth))
  const measured = `${topic} grows by ${bytes(bytesPerDay)} a day (measured over ${span(measuredOverMs)}); ten years with ${counted(replicas, 'replica')} are ${bytes(tenYearBytes * replicas)}`
  const volumes = volumesOf(disks)
  const freeBytes = volumes.some(({ usableBytes }) => usableBytes === null) ? null : volumes.reduce((sum, { usableBytes }) => sum + usableBytes!, 0)
  const figures = {
    bytesPerDay: Math.round(bytesPerDay),
    measuredOverMs,
    ageMs,
    sizeBytes,
    replicas,
    tenYearBytes: tenYearBytes * replicas,
    freeBytes,
    fullAfterMs: null
  }
  const hidden = places.filter(({ usableBytes }) => usableBytes === null)
  const tight = places.filter(({ usableBytes, neededBytes }) => usableBytes !== null && neededBytes > usableBytes)
  const fullest = places.filter(each => each.usableBytes !== null).toSorted((one, other) => lastsMs(one) - lastsMs(other))[0]
  if (tight.length > 0 && fullest) {
    const untilMs = lastsMs(fullest)
    const needed = places.reduce((sum, each) => sum + each.neededBytes, 0)
    const spread = freeBytes !== null && needed <= freeBytes
    return {
      ...finding(
        'warning',
        'audit-capacity',
        `${measured}, more than its disks have: ${where(fullest)} is full of it in ${span(untilMs)}`,
        [
          `It needs ${bytes(fullest.neededBytes)} there, and ${bytes(fullest.usableBytes!)} are free.`,
          spread
            ? 'All disks of the cluster together have room for it: a topic a year, each on other disks, is enough; or tiered storage.'
            : 'All disks of the cluster together have no room for it either: tiered storage, or more disks. A topic a year can be exported, verified and kept elsewhere.'
        ],
        [
          'where the brokers have remote.log.storage.system.enable=true:',
          setTopic(facts.config.cluster.brokers, topic, { 'remote.storage.enable': 'true', 'local.retention.ms': String(30 * dayMs) }),
          `or a topic a year: agents: { ${audit.agent}: { policy: { topic: another name, continues: ${topic} } } }`
        ]
      ),
      figures: { ...figures, fullAfterMs: Math.round(untilMs) }
    }
  }
  if (hidden.length > 0 || places.length === 0 || unseen.length > 0)
    return {
      ...finding(
        'unknown',
        'audit-capacity',
        `${measured}; how much room its disks have is not known${unseen[0] ? `: ${unseen[0].id}: ${unseen[0].why}` : ''}`
      ),
      figures
    }
  return {
    ...finding(
      'ok',
      'audit-capacity',
      `${measured}; its fullest disk (${where(fullest!)}) needs ${bytes(fullest!.neededBytes)} and has ${bytes(fullest!.usableBytes!)} free`
    ),
    figures
  }
}

function placeOf({ broker, logDir, usableBytes, replicas }: NonNullable<ReturnType<typeof disksOf>>[number], topic: string, growth: Growth): Place[] {
  const ours = replicas.filter(replica => replica.topic === topic)
  if (ours.length === 0) return []
  const share = ours.reduce((sum, { partition }) => sum + (growth.shares.get(partition) ?? 0), 0)
  const there = ours.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const bytesPerDay = growth.bytesPerDay * share
  return [{ broker, logDir, usableBytes, bytesPerDay, neededBytes: Math.max(0, (bytesPerDay / dayMs) * tenYearsMs - there) }]
}

function disksOf({ disks }: AuditFacts) {
  return known(disks)?.value
}

/** Directories of one broker that say the same lie on one volume, as it seems. */
function volumesOf(disks: NonNullable<ReturnType<typeof disksOf>>) {
  return [...new Map(disks.map(disk => [`${disk.broker} ${disk.totalBytes} ${disk.usableBytes}`, disk])).values()]
}

function lastsMs({ usableBytes, bytesPerDay }: Place): number {
  return bytesPerDay === 0 ? Number.POSITIVE_INFINITY : (usableBytes! / bytesPerDay) * dayMs
}

function where({ broker, logDir }: Place): string {
  return `broker ${broker}: ${logDir}`
}

/** `1.2 GB`, powers of 1,000 */
function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, count)) / 3)))
  return `${Number((count / 1_000 ** power).toPrecision(3))} ${units[power]}`
}

/** `less than an hour`, `32 hours`, `12 days`, `4.1 years` */
function span(ms: number): string {
  if (ms < 3_600_000) return 'less than an hour'
  if (ms < 2 * dayMs) return `${Number((ms / 3_600_000).toPrecision(2))} hours`
  return ms < 2 * yearMs ? `${Number((ms / dayMs).toPrecision(3))} days` : `${Number((ms / yearMs).toPrecision(2))} years`
}
