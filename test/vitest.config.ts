import { defineConfig } from 'vitest/config'

const root = new URL('..', import.meta.url).pathname

/** `unit` needs nothing; `integration` and `faults` need the stack that deploy/local brings. */
export default defineConfig({
  root,
  test: {
    projects: [
      { root, test: { name: 'unit', include: ['shared/**/*.test.ts', 'agents/**/*.test.ts', 'deploy/**/*.test.ts', 'test/*.test.ts', 'test/regressions/*.unit.test.ts'] } },
      {
        root,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/regressions/*.broker.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2
        }
      },
      { root, test: { name: 'faults', include: ['test/faults/**/*.test.ts'], testTimeout: 300_000, hookTimeout: 120_000, fileParallelism: false } }
    ]
  }
})
