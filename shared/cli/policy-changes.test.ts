import { expect, test } from 'vitest'
import { z } from 'zod'
import { duration } from '../config/duration.ts'
import { policyChanges } from './policy-changes.ts'

const schema = z.strictObject({
  lagFor: duration.prefault('1h').meta({ unit: 'duration' }),
  lagMessages: z.int().default(1_000).meta({ unit: 'messages' }),
  pauseOn: z.array(z.string()).default([]),
  groups: z.array(z.strictObject({ match: z.array(z.string()), lagFor: duration.optional().meta({ unit: 'duration' }) })).default([])
})
const changes = (present: object, changed: object) => policyChanges(schema, schema.parse(present), schema.parse(changed))

test('each knob that differs is named once, durations as an operator writes them', () => {
  expect(changes({}, { lagFor: '90s', pauseOn: ['lag'] })).toEqual([
    { path: 'lagFor', present: '1h', changed: '1m30s' },
    { path: 'pauseOn', present: '[]', changed: '["lag"]' }
  ])
  expect(changes({ lagMessages: 5 }, { lagMessages: 5 })).toEqual([])
})

test('entries of a list are compared one by one', () => {
  const entry = { match: ['a*'], lagFor: '5m' }
  expect(changes({ groups: [entry] }, { groups: [{ ...entry, lagFor: '6m' }, { match: ['b'] }] })).toEqual([
    { path: 'groups[0].lagFor', present: '5m', changed: '6m' },
    { path: 'groups[1]', present: '(not set)', changed: '{"match":["b"]}' }
  ])
})
