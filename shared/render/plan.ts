import type { Verdict } from '../engine/agent.ts'
import type { Rehearsal } from '../engine/turn.ts'
import { count, printable, table } from './table.ts'

/** The plan of one agent as plain data, for --json. */
export function planJson(agent: string, { decision, plan, judged, look }: Rehearsal): object {
  return {
    agent,
    checksum: plan.checksum,
    observation: look.seen,
    unseen: look.observed.view.unseen,
    permitted: judged.permitted.map(({ key, describe, harm, undo }) => ({ key, describe, harm, undo })),
    refused: judged.refused.map(({ step, because, approvable }) => ({ key: step.key, describe: step.describe, because, approvable })),
    notices: decision.notices,
    verdicts: decision.verdicts
  }
}

/** What would be done now, and why, for a person. */
export function planText(agent: string, rehearsal: Rehearsal, width?: number): string {
  const { decision, plan, judged, look } = rehearsal
  const lines = [`${agent}: plan ${plan.checksum}, from observation ${look.seen.sequence} of ${new Date(look.seen.atMs).toISOString()}`]
  for (const { kind, id, why } of look.observed.view.unseen)
    lines.push(kind === 'maintenance' ? `  judgement is suspended (${id}): ${why}` : `  not seen: ${kind} ${id}: ${why}`)
  if (plan.steps.length === 0) lines.push('  nothing to do')
  for (const step of judged.permitted) lines.push(`  would do: ${step.describe}${step.undo === null ? '' : ` (${step.undo})`}`)
  for (const { step, because } of judged.refused) lines.push(`  refused:  ${step.describe}: ${because}`)
  for (const notice of decision.notices) lines.push(`  would tell ${notice.team ?? 'the platform channel'} (${notice.severity}): ${notice.title}`)
  return `${lines.map(printable).join('\n')}\n\n${verdictTable(decision.verdicts, width)}`
}

export function verdictTable(verdicts: readonly Verdict[], width?: number): string {
  return table(
    ['subject', 'lag', 'state', 'why'],
    verdicts.map(({ subject, lagMessages, state, why }) => [subject, count(lagMessages), state, why]),
    width
  )
}

/** Every fact, rule and decision about one subject. */
export function explainText(verdict: Verdict): string {
  const lines = [`${verdict.subject}: ${verdict.state}. ${verdict.why}`, '', 'rules']
  for (const { rule, held, because } of verdict.rules) lines.push(`  ${held === true ? '●' : held === false ? '○' : '?'} ${rule}: ${because}`)
  lines.push('', 'facts')
  for (const [name, value] of Object.entries(verdict.facts)) lines.push(`  ${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return lines.map(printable).join('\n')
}
