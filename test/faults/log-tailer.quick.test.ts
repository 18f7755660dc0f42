import { expect, test } from 'vitest'
import { runTailerFaults } from '../support/log-tailer-faults.ts'

test('a tailer of a rotated log that is killed eight times keeps each event once, in order', async () => {
  const seed = Number(process.env['REEVE_SEED'] ?? 11)
  console.log(`seed ${seed}`)
  const { written, kept, rotations, compressed } = await runTailerFaults({ kills: 8, seed })
  expect(kept.flatMap(({ texts }) => texts)).toEqual(written)
  expect(new Set(kept.flatMap(({ places }) => places)).size).toBe(written.length)
  expect(rotations).toBeGreaterThan(2)
  expect(compressed).toBeGreaterThan(0)
  const losses = kept.flatMap(({ notices }) => notices).filter(({ kind }) => kind !== 'rotated' && kind !== 'found')
  expect(losses).toEqual([])
})
