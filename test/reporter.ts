import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** What a run of tests came to; `lines` name each skipped test with its reason and, last, the counts. */
export interface Summary {
  readonly failed: number
  readonly passed: number
  readonly lines: readonly string[]
}

export interface Outcome {
  readonly name: string
  readonly state: 'passed' | 'failed' | 'skipped'
  /** Why it was skipped, where the test says so: `context.skip('no kcat here')`. */
  readonly note?: string | undefined
}

/** Counts outcomes; `brokenFiles` are files that failed outside any test, each counted as one failure. */
export function summarise(outcomes: readonly Outcome[], brokenFiles: number): Summary {
  const count = (state: Outcome['state']) => outcomes.filter(outcome => outcome.state === state).length
  const [passed, failed, skipped] = [count('passed'), count('failed') + brokenFiles, count('skipped')]
  const skips = outcomes.filter(outcome => outcome.state === 'skipped').map(({ name, note }) => `not run: ${name}: ${note ?? 'no reason given'}`)
  return { passed, failed, lines: [...skips, `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`] }
}

/** Collects what vitest ran, beside its own printed report. */
export class Collector implements Reporter {
  readonly #outcomes: Outcome[] = []
  #brokenFiles = 0

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      this.#outcomes.push(...tests.map(outcomeOf))
      if (module.state() === 'failed' && !tests.some(test => test.result().state === 'failed')) this.#brokenFiles++
    }
    this.#brokenFiles += unhandledErrors.length
  }

  summary(): Summary {
    return summarise(this.#outcomes, this.#brokenFiles)
  }
}

function outcomeOf(test: TestCase): Outcome {
  const result = test.result()
  const name = `${test.module.relativeModuleId} > ${test.fullName}`
  if (result.state === 'passed' || result.state === 'failed') return { name, state: result.state }
  // A test that never ended (the run was broken off) proved nothing.
  if (result.state === 'pending') return { name, state: 'failed' }
  return { name, state: 'skipped', note: result.note }
}
