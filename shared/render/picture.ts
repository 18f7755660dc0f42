import type { Columns } from '../domain/timeline.ts'

/** Values over time, one panel above the other over the same time, and what was decided in it. */
export interface Picture {
  readonly title: string
  readonly fromMs: number
  readonly untilMs: number
  readonly panels: readonly Panel[]
  readonly marks: readonly Mark[]
}

export interface Panel {
  /** For example `lag, messages`. */
  readonly title: string
  readonly columns: Columns
  /** Panels of one name share their scale, so that they can be compared. */
  readonly scale: string
}

export type MarkKind = 'told' | 'done' | 'undone' | 'resolved' | 'refused' | 'asked'
export interface Mark {
  readonly atMs: number
  readonly kind: MarkKind
  /** What it was, in its agent's own word: `pause`, `released`; null where there is none. */
  readonly word: string | null
  /** One sentence. */
  readonly text: string
}

/** The gravest last: it is shown where several fall together. `letter` is for terminals without Unicode, and for the SVG. */
export const markKinds: readonly { readonly kind: MarkKind; readonly symbol: string; readonly letter: string; readonly word: string }[] = [
  { kind: 'told', symbol: '●', letter: 'T', word: 'told' },
  { kind: 'refused', symbol: '×', letter: 'X', word: 'refused' },
  { kind: 'asked', symbol: '?', letter: 'A', word: 'asked by a person' },
  { kind: 'resolved', symbol: '✓', letter: 'R', word: 'resolved' },
  { kind: 'undone', symbol: '▲', letter: 'U', word: 'given back' },
  { kind: 'done', symbol: '▼', letter: 'D', word: 'done' }
]

export interface Scale {
  readonly log: boolean
  /** From 0 at the bottom to 1 at the top. */
  place(value: number): number
  /** Round values, from 0 to the top. */
  readonly ticks: readonly number[]
}

/** Logarithmic where the most is at least a thousand and fifty times what is usual: else the usual would lie flat on the ground. */
export function scaleOf(all: readonly Columns[]): Scale {
  const values = all.flatMap(({ stretches }) => stretches.flatMap(stretch => (stretch === null ? [] : [stretch.most]))).filter(value => value > 0)
  const most = Math.max(0, ...values)
  const usual = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  if (most >= 1_000 && usual * 50 <= most) {
    const powers = Math.ceil(Math.log10(most))
    const top = Math.log10(1 + 10 ** powers)
    return {
      log: true,
      place: value => Math.min(1, Math.log10(1 + Math.max(0, value)) / top),
      ticks: [0, ...Array.from({ length: powers + 1 }, (_, power) => 10 ** power)]
    }
  }
  const top = roundAbove(most)
  return { log: false, place: value => Math.max(0, Math.min(1, value / top)), ticks: [0, top / 2, top] }
}

/** The scale of each panel: panels of one name have one. */
export function scalesOf(panels: readonly Panel[]): readonly Scale[] {
  const scales = new Map<string, Scale>()
  for (const { scale } of panels)
    if (!scales.has(scale)) scales.set(scale, scaleOf(panels.filter(panel => panel.scale === scale).map(({ columns }) => columns)))
  return panels.map(({ scale }) => scales.get(scale)!)
}

/** A round number, not below the value. */
function roundAbove(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map(factor => factor * power).find(round => round >= value * (1 - 1e-9)) ?? 10 * power
}

/** For axes, five characters at most: 0.25, 950, 1.2k, 15k, 1.5M. */
export function compact(value: number): string {
  for (const [unit, size] of [
    ['E', 1e18],
    ['P', 1e15],
    ['T', 1e12],
    ['G', 1e9],
    ['M', 1e6],
    ['k', 1e3]
  ] as const)
    if (Math.abs(value) >= size) return `${digits(value / size)}${unit}`
  return digits(value)
}

function digits(value: number): string {
  return String(Number(value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2)))
}

const secondMs = 1_000
const minuteMs = 60 * secondMs
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const stepsMs = [
  ...[1, 2, 5, 10, 15, 30].map(step => step * secondMs),
  ...[1, 2, 5, 10, 15, 30].map(step => step * minuteMs),
  ...[1, 2, 3, 6, 12].map(step => step * hourMs),
  ...[1, 2, 7, 14, 28].map(step => step * dayMs)
]

/** Round moments (UTC) for the axis, at most so many. */
export function timeTicks(fromMs: number, untilMs: number, most: number): { readonly atMs: number; readonly label: string }[] {
  const stepMs = stepsMs.find(step => (untilMs - fromMs) / step <= Math.max(1, most)) ?? untilMs - fromMs
  const ticks: { atMs: number; label: string }[] = []
  for (let atMs = Math.ceil(fromMs / stepMs) * stepMs; atMs <= untilMs; atMs += stepMs) {
    const text = new Date(atMs).toISOString()
    ticks.push({ atMs, label: atMs % dayMs === 0 ? text.slice(5, 10) : text.slice(11, stepMs < minuteMs ? 19 : 16) })
  }
  return ticks
}

/** What stands beside a panel's title: `most 1,200 · now 15 (log scale)`. */
export function summary({ stretches }: Columns, { log }: Scale): string {
  const known = stretches.filter(stretch => stretch !== null)
  if (known.length === 0) return 'not seen'
  const last = stretches.at(-1) ?? null
  return `most ${figure(Math.max(...known.map(({ most }) => most)))}, now ${last === null ? '?' : figure(last.last)}${log ? ' (log scale)' : ''}`
}

function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 })
}
