import { expect, test } from 'vitest'
import { runTailerFaults } from '../support/log-tailer-faults.ts'

test('a tailer of a rotated log that is killed many times keeps each event once, in order', async () => {
  const kills = Number(process.env['REEVE_KILLS'] ?? 300)
  const seed = Number(process.env['REEVE_SEED'] ?? Date.now() % 1_000_000)
  console.log(`seed ${seed}`)
  const { written, kept, rotations, compressed } = await runTailerFaults({ kills, seed })
  console.log(`${kills} kills, ${rotations} rotations, ${compressed} compressed, ${written.length} events`)
  expect(kept.flatMap(({ texts }) => texts)).toEqual(written)
  expect(new Set(kept.flatMap(({ places }) => places)).size).toBe(written.length)
  const losses = kept.flatMap(({ notices }) => notices).filter(({ kind }) => kind !== 'rotated' && kind !== 'found')
  expect(losses).toEqual([])
})
