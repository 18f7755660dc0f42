import { type JsonValue, sameJson } from '../domain/json.ts'
import type { JudgedLog } from './judge.ts'
import { type NamedHead, partsOf } from './together.ts'
import type { LogFault } from './verify-log.ts'

/** What is needed of a log here. `fault` is its own, by points 1 to 5, 8 and 10. */
export type LogBesideOthers = Pick<JudgedLog, 'origin' | 'size' | 'chains' | 'continues' | 'rounds' | 'fault'>

/**
 * What is wrong with logs that lie beside each other: README.md, section 10, point 9, by origin. `logs` are all that are at hand, in the order of
 * their partitions. `exact`: each goes to the same checkpoint, as in an export; null for a topic that is being written, whose logs must reach what is `named`.
 */
export function compareLogs(logs: readonly LogBesideOthers[], named: readonly NamedHead[] | 'exact'): ReadonlyMap<string, LogFault> {
  const faults = new Map<string, LogFault>()
  const tell = (origin: string, fault: LogFault): void => {
    const before = faults.get(origin)
    if (before === undefined || fault.sequence < before.sequence) faults.set(origin, fault)
  }
  for (const { origin, chains } of logs) if (chains > 1) for (const reason of strangersOf(origin, chains, logs)) tell(origin, { sequence: 0, reason })
  const sound = logs.filter(({ chains, fault }) => chains > 1 && fault === null)
  const most = named === 'exact' ? Math.max(0, ...sound.map(({ rounds }) => rounds.length)) : 0
  const first = sound[0]
  for (const { origin, size, continues, rounds } of sound) {
    if (!sameJson(asJson(continues), asJson(first!.continues))) tell(origin, { sequence: 0, reason: `it continues something else than ${first!.origin}` })
    const other = rounds.find(({ says }, index) => first!.rounds[index] !== undefined && first!.rounds[index].says !== says)
    if (other)
      tell(origin, { sequence: other.sequence, reason: `it names other heads than the same checkpoint of ${first!.origin}, or another topic to go on in` })
    if (rounds.length < most) tell(origin, { sequence: size, reason: `CUT: it has ${rounds.length} audit.checkpoint, another log of its topic has ${most}` })
    const reach = named === 'exact' ? 0 : Math.max(0, ...named.filter(head => head.origin === origin).map(head => head.size))
    if (size < reach) tell(origin, { sequence: size, reason: `CUT: a checkpoint of another log of its topic names ${reach} entries, it has ${size}` })
  }
  return faults
}

const asJson = (ends: JudgedLog['continues']): JsonValue => ends as unknown as JsonValue

/** Logs of the topic that are missing, are beside it and none of them, or say another number. */
function strangersOf(origin: string, chains: number, logs: readonly LogBesideOthers[]): string[] {
  const { base } = partsOf(origin)
  const expected = Array.from({ length: chains }, (_, partition) => `${base}/${partition}`)
  const missing = expected.find(each => !logs.some(log => log.origin === each))
  const strange = logs.find(log => !expected.includes(log.origin))
  const other = logs.find(log => log.fault === null && log.chains !== chains)
  return [
    ...(missing === undefined ? [] : [`${missing} is missing: the topic has ${chains} logs`]),
    ...(strange === undefined ? [] : [`${strange.origin} is too many: the topic has ${chains} logs`]),
    ...(other === undefined ? [] : [`${other.origin} says that the topic has ${other.chains} logs, this one ${chains}`])
  ]
}
