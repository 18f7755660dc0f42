import { defineConfig } from 'vitest/config'

const root = new URL('..', import.meta.url).pathname

/**
 * `unit` needs nothing; the others need the stack that deploy/local brings. `faults` are the long runs, `faults-quick` their part in npm
 * test. One project after the other, so that a fault test that brings a stack of its own has the machine to itself.
 */
export default defineConfig({
  root,
  test: {
    projects: [
      {
        root,
        test: {
          name: 'unit',
          include: ['shared/**/*.test.ts', 'agents/**/*.test.ts', 'deploy/**/*.test.ts', 'test/*.test.ts', 'test/regressions/*.unit.test.ts'],
          isolate: false,
          // On two cores vitest would take one.
          maxWorkers: 2,
          testTimeout: 30_000,
          sequence: { groupOrder: 0 }
        }
      },
      {
        root,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/regressions/*.broker.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 }
        }
      },
      {
        root,
        test: {
          name: 'faults-quick',
          include: ['test/faults/**/*.quick.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          maxWorkers: 1,
          maxConcurrency: 3,
          sequence: { groupOrder: 2 }
        }
      },
      {
        root,
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          exclude: ['test/faults/**/*.quick.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 240_000,
          fileParallelism: false,
          maxWorkers: 1,
          sequence: { groupOrder: 3 }
        }
      }
    ]
  }
})
