import { formatDuration } from '../domain/duration.ts'
import type { Compared } from '../engine/compare.ts'
import type { Found } from '../engine/simulate.ts'
import { printable } from './table.ts'

/** What really happened to a subject in the time, as the journal has it. */
export interface Happened {
  readonly told: number
  /** Acts that were done, each with what ended it; null: it stands, or stood at the end. */
  readonly acts: readonly { readonly describe: string; readonly fromMs: number; readonly untilMs: number | null }[]
}

export interface Simulated {
  readonly agent: string
  readonly fromMs: number
  readonly untilMs: number
  /** Ended by a person before its end. */
  readonly interrupted: boolean
  readonly gaps: number
  readonly turns: number
  /** Where the policies differ: path, present and changed value. */
  readonly changes: readonly { readonly path: string; readonly present: string; readonly changed: string }[]
  readonly given: readonly string[]
  readonly unknown: readonly string[]
  readonly present: Found
  readonly changed: Found
  readonly compared: readonly Compared[]
  readonly happened: ReadonlyMap<string, Happened>
}

/** What holds for every simulation, whatever the agent. */
export const always: readonly string[] = [
  'Nothing is written or applied. The past does not answer: what would have been done is wanted until the past itself ends it, and what came after a real pause is the past of a paused group.',
  'Every turn is taken as if act were true, one turn an observation, and passes the caps, freezes and holds of the configuration; approvals, appeals, snoozes and the kill switch are left out.',
  'Messages count as delivered at once. What people said (fixed, resume) is taken from the journal, at its time, for both policies.',
  'It begins without memory: what lasted already at the beginning is counted from there.'
]

export function simulationText(simulated: Simulated): string {
  const { agent, fromMs, untilMs, interrupted, gaps, turns, changes, given, unknown, compared, happened } = simulated
  const lines = [
    `${agent}: ${turns} observations from ${moment(fromMs)} to ${moment(untilMs)}${gaps > 0 ? `, ${gaps} gap${gaps === 1 ? '' : 's'}` : ''}${interrupted ? ' (interrupted: what was found so far)' : ''}`,
    '',
    'policy'
  ]
  if (changes.length === 0) lines.push('  the present one: nothing differs')
  for (const { path, present, changed } of changes) lines.push(`  ${printable(path)}: ${printable(present)} → ${printable(changed)}`)
  lines.push('', 'what a simulation cannot know')
  for (const sentence of [...always, ...unknown]) lines.push(`  - ${sentence}`)
  for (const sentence of given) lines.push(`  - taken as given: ${sentence}`)
  const subjects = [...new Set([...compared.map(({ subject }) => subject), ...happened.keys()])].toSorted()
  if (compared.length === 0) lines.push('', 'nothing would have been told or done, with either policy')
  for (const subject of subjects) {
    lines.push('', printable(subject))
    for (const line of compared) if (line.subject === subject) lines.push(...lineText(line))
    lines.push(...happenedText(happened.get(subject)))
  }
  return [...lines, '', totals(simulated)].join('\n')
}

/** The same as plain data, for --json. */
export function simulationJson({ happened, unknown, ...simulated }: Simulated): object {
  return { ...simulated, unknown: [...always, ...unknown], happened: Object.fromEntries(happened) }
}

function lineText({ what, word, text, why, presentMs, changedMs }: Compared): string[] {
  const atMs = changedMs ?? presentMs!
  const head = what === 'told' ? `told (${word})` : what === 'would do' ? 'would do' : 'refused'
  return [
    `  ${sign(presentMs, changedMs)} ${moment(atMs)}  ${head}: ${printable(text)}`,
    ...(why === '' ? [] : [`      ${printable(why)}`]),
    `      ${difference(presentMs, changedMs)}`
  ]
}

const sign = (presentMs: number | null, changedMs: number | null): string =>
  presentMs === null ? '+' : changedMs === null ? '-' : presentMs === changedMs ? '=' : '~'

function difference(presentMs: number | null, changedMs: number | null): string {
  if (presentMs === null) return 'only with the changed policy'
  if (changedMs === null) return 'only with the present policy'
  if (presentMs === changedMs) return 'the same with both'
  return `${formatDuration(Math.abs(changedMs - presentMs))} ${changedMs < presentMs ? 'sooner' : 'later'} than with the present policy (${moment(presentMs)})`
}

function happenedText(happened: Happened | undefined): string[] {
  if (!happened) return []
  return [
    `    in fact: told ${happened.told} time${happened.told === 1 ? '' : 's'}`,
    ...happened.acts.map(
      ({ describe, fromMs, untilMs }) => `    in fact: ${printable(describe)}, from ${moment(fromMs)} ${untilMs === null ? 'on' : `to ${moment(untilMs)}`}`
    )
  ]
}

function totals({ present, changed, compared }: Simulated): string {
  const done = ({ acts }: Found) => acts.filter(({ passedAtMs }) => passedAtMs !== null).length
  const subjects = (side: 'presentMs' | 'changedMs') => new Set(compared.filter(line => line[side] !== null).map(({ subject }) => subject)).size
  return [
    'present → changed policy:',
    `told ${present.told.length} → ${changed.told.length},`,
    `would do ${done(present)} → ${done(changed)},`,
    `refused by the gate ${present.acts.length - done(present)} → ${changed.acts.length - done(changed)},`,
    `subjects ${subjects('presentMs')} → ${subjects('changedMs')}`
  ].join(' ')
}

function moment(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
}
