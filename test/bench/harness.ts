import { spawn } from 'node:child_process'

/** One number of one run. */
export interface Row {
  readonly who: string
  readonly what: string
  readonly value: number
  readonly unit: string
}

export interface Goal {
  readonly what: string
  readonly goal: string
  readonly measured: number
  readonly met: boolean
}

/** Someone who is measured: resolves with the value of one run, or says why it is not there. */
export interface Contender {
  readonly who: string
  run(what: string): Promise<number>
  /** A sentence where this contender cannot take part. */
  readonly missing?: string
}

/**
 * Measures all contenders at all tasks, interleaved: each round runs every contender once, so that what else the machine does hits
 * all alike. Resolves with the medians. Progress goes to standard error.
 */
export async function measure(options: {
  readonly contenders: readonly Contender[]
  readonly tasks: readonly string[]
  readonly rounds: number
  readonly unit: string
}): Promise<Row[]> {
  const { contenders, tasks, rounds, unit } = options
  const present = contenders.filter(contender => {
    if (contender.missing) console.error(`${contender.who} is not measured: ${contender.missing}`)
    return !contender.missing
  })
  const values = new Map<string, number[]>()
  for (const what of tasks) {
    for (let round = 1; round <= rounds; round++) {
      for (const { who, run } of present) {
        const value = await run(what)
        values.set(`${who}\n${what}`, [...(values.get(`${who}\n${what}`) ?? []), value])
        console.error(`${what}, round ${round}: ${who} ${format(value)} ${unit}`)
      }
    }
  }
  return tasks.flatMap(what => present.map(({ who }) => ({ who, what, value: median(values.get(`${who}\n${what}`)!), unit })))
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) throw new Error('the median of no values')
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Runs a TypeScript file in a process of its own; resolves with the JSON of its last line of output. `node` are options of Node itself. */
export async function runAlone(file: string, input: unknown, node: readonly string[] = []): Promise<unknown> {
  const child = spawn(process.execPath, [...node, file, JSON.stringify(input)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`${file} ended with ${String(code)}: ${output}`)
  const last = output.trim().split('\n').at(-1)
  if (!last) throw new Error(`${file} ended without a result`)
  return JSON.parse(last)
}

export function atMost(what: string, bound: number, measured: number): Goal {
  return { what, goal: `<= ${bound}`, measured: rounded(measured), met: measured <= bound }
}

export function atLeast(what: string, bound: number, measured: number): Goal {
  return { what, goal: `>= ${bound}`, measured: rounded(measured), met: measured >= bound }
}

/**
 * Prints the table for people, whether each goal was met, what else is to be said, and the whole as one line of JSON at the end. Where rows
 * differ in their units, each column says its own, and the table stands on its side.
 */
export function report(name: string, rows: readonly Row[], goals: readonly Goal[], remarks: readonly string[] = []): void {
  const whats = [...new Set(rows.map(row => row.what))]
  const whos = [...new Set(rows.map(row => row.who))]
  const cell = (who: string, what: string): string => {
    const row = rows.find(one => one.who === who && one.what === what)
    return row ? format(row.value) : '-'
  }
  const units = new Set(rows.map(row => row.unit))
  const named = (what: string): string => [what, rows.find(row => row.what === what)?.unit].filter(Boolean).join(', ')
  const table =
    units.size === 1
      ? [[rows[0]?.unit ?? '', ...whats], ...whos.map(who => [who, ...whats.map(what => cell(who, what))])]
      : [['', ...whos], ...whats.map(what => [named(what), ...whos.map(who => cell(who, what))])]
  const widths = table[0]!.map((_, column) => Math.max(...table.map(line => line[column]!.length)))
  const print = (line: readonly string[]): string =>
    line.map((text, column) => (column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!))).join('  ')
  console.log([print(table[0]!), widths.map(width => '-'.repeat(width)).join('  '), ...table.slice(1).map(print)].join('\n'))
  for (const { what, goal, measured, met } of goals) console.log(`${met ? 'met    ' : 'NOT MET'}  ${what}: goal ${goal}, measured ${measured}`)
  for (const remark of remarks) console.log(remark)
  console.log(JSON.stringify({ name, rows, goals, remarks }))
}

const rounded = (value: number): number => Math.round(value * 10) / 10

/** Below 100 a unit is too coarse for a difference of 5 %. */
const format = (value: number): string => (Math.abs(value) < 100 ? rounded(value) : Math.round(value)).toLocaleString('en-GB')
