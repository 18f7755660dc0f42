import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { duration } from './duration.ts'
import { parsePolicy } from './policy-file.ts'

const schema = z.strictObject({
  lagFor: duration.prefault('1h'),
  lagMessages: z.int().default(5),
  groups: z.array(z.strictObject({ match: z.string() })).default([])
})

test("an agent's policy stands alone in its file, and what it leaves out has its default", () => {
  expect(parsePolicy('lagFor: 10m\n', schema)).toEqual({ is: 'policy', policy: { lagFor: 600_000, lagMessages: 5, groups: [] } })
  expect(parsePolicy('', schema)).toMatchObject({ is: 'policy' })
})

test('a whole configuration is told from a policy', () => {
  for (const text of ['version: 1', 'agents: {}', 'clusters: {}', 'cluster: {}']) expect(parsePolicy(text, schema)).toEqual({ is: 'configuration' })
})

test('all mistakes come at once, each with its path and line', () => {
  const found = parsePolicy('lagFor: soon\nlagMesages: 7\ngroups:\n  - match: 5\n', schema)
  expect(found).toMatchObject({
    is: 'wrong',
    mistakes: [
      { path: 'lagFor', line: 1, message: expect.stringContaining('expected a duration') as string },
      { path: 'groups[0].match', line: 4 },
      { path: 'lagMesages', line: 2, message: 'unknown key; did you mean lagMessages?' }
    ]
  })
  expect(parsePolicy('a: [', schema)).toMatchObject({ is: 'wrong', mistakes: [{ message: expect.stringContaining('not YAML') as string }] })
  expect(parsePolicy('[1, 2]', schema)).toMatchObject({ is: 'wrong' })
})

test('whatever the file holds, it is a policy, a configuration or has mistakes', () => {
  const text = fc.oneof(fc.string(), fc.json(), fc.stringMatching(/^(lagFor|groups|agents|- |: |\[|\{|5m|\n)*$/))
  fc.assert(fc.property(text, given => ['policy', 'configuration', 'wrong'].includes(parsePolicy(given, schema).is)))
})
