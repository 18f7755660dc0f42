import type { Capability } from '../doctor/capabilities.ts'
import type { Area, Finding, Severity } from '../doctor/finding.ts'
import { printable, table } from './table.ts'

const marks: Record<Severity, string> = { ok: '✓', note: '·', unknown: '?', warning: '!', error: '✗' }
const order: readonly Severity[] = ['error', 'warning', 'unknown', 'note', 'ok']
const titles: Record<Area, string> = {
  connections: 'Connections',
  rights: 'Rights',
  topics: "Reeve's topics",
  brokers: "The brokers' settings",
  mission: 'What the mission asks for',
  clocks: 'Clocks',
  redis: 'Redis',
  notices: 'Who hears of it',
  owners: 'Owners',
  audit: 'The audit log',
  configuration: 'Configuration',
  others: 'Who else writes'
}

/** One cluster's findings for a person: by area, the worst first, each with why and what to do. */
export function doctorText(cluster: string, findings: readonly Finding[], capable: readonly Capability[], width?: number): string {
  const areas = [...Map.groupBy(findings, ({ area }) => area)]
  const blocks = areas.map(([area, all]) => [titles[area], ...byWorst(all).flatMap(lines)].join('\n'))
  const rows = capable.map(({ what, as, can, because }) => [what, as, can, because])
  return [
    `${printable(cluster)}: ${tally(findings)}`,
    ...blocks,
    `What Reeve could do with the rights that it has\n${table(['what', 'as', 'can', 'because'], rows, width)}`
  ].join('\n\n')
}

/** `1 error, 2 warnings, 30 ok` */
export function tally(findings: readonly Finding[]): string {
  const words: Record<Severity, [string, string]> = {
    error: ['error', 'errors'],
    warning: ['warning', 'warnings'],
    unknown: ['unknown', 'unknown'],
    note: ['note', 'notes'],
    ok: ['ok', 'ok']
  }
  const counts = order.map(severity => [severity, findings.filter(each => each.severity === severity).length] as const)
  return counts
    .filter(([severity, count]) => count > 0 || severity === 'error')
    .map(([severity, count]) => `${count === 0 ? 'no' : count} ${words[severity][count === 1 ? 0 : 1]}`)
    .join(', ')
}

function byWorst(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((one, other) => order.indexOf(one.severity) - order.indexOf(other.severity))
}

function lines({ severity, id, what, why, remedy }: Finding): string[] {
  const head = severity === 'ok' ? `  ${marks.ok} ${what}` : `  ${marks[severity]} ${what} [${severity === 'note' ? '' : `${severity}: `}${id}]`
  return [head, ...why.map(line => `      ${line}`), ...remedy.map(line => `      → ${line}`)].map(printable)
}
