import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findingIds } from '#shared/doctor/finding-ids.ts'
import { provokedIn } from './support/doctor-provocations.ts'

test('every finding of reeve doctor is provoked on a real Kafka and Redis, by a file that fails where it is not', () => {
  expect(Object.keys(provokedIn).toSorted()).toEqual(findingIds.toSorted())
  const root = join(import.meta.dirname, '..')
  for (const file of new Set(Object.values(provokedIn))) {
    expect(existsSync(join(root, file)), file).toBe(true)
    expect(readFileSync(join(root, file), 'utf8')).toContain('expect(notYetFound(import.meta.filename)).toEqual(')
  }
})
