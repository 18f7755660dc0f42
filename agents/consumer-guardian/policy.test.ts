import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { policyFor, policySchema } from './policy.ts'

const mistakes = (input: unknown): string[] => policySchema.safeParse(input).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

test('the shipped policy pauses nothing', () => {
  expect(policySchema.parse({})).toMatchObject({ pauseOn: [], groups: [], lagMessages: 1_000_000, lagFor: 3_600_000, noProgressFor: 1_800_000 })
})

test('every knob has a unit, a sentence and a default, and the README lists it so', () => {
  const readme = readFileSync(new URL('README.md', import.meta.url), 'utf8').replaceAll(/ {2,}/g, ' ')
  const { properties } = z.toJSONSchema(policySchema, { io: 'input' }) as unknown as {
    properties: Record<string, { default: unknown; unit: string; description: string }>
  }
  for (const [name, knob] of Object.entries(properties)) {
    const text =
      typeof knob.default === 'string'
        ? knob.default
        : typeof knob.default === 'number'
          ? knob.default.toLocaleString('en')
          : `\`${JSON.stringify(knob.default).replaceAll('"', "'")}\``
    expect(readme).toContain(`| \`${name}\` | ${text} | ${knob.unit} | ${knob.description} |`)
  }
})

test('the first entry that names a group counts, and sets only what it says', () => {
  const policy = policySchema.parse({
    lagFor: '2h',
    groups: [
      { match: ['a-*'], pauseOn: ['lag'] },
      { match: ['*'], pauseOn: ['crashLoop'], lagFor: '1m' }
    ]
  })
  expect(['a-1', 'b'].map(group => policyFor(policy, group)).map(({ pauseOn, lagFor }) => [pauseOn, lagFor])).toEqual([
    [['lag'], 7_200_000],
    [['crashLoop'], 60_000]
  ])
})

test.for<[string, unknown, string]>([
  ['an unknown knob', { lagsFor: '1h' }, ': Unrecognized key: "lagsFor"'],
  ['a nonsense duration', { lagFor: 'soon' }, 'lagFor: expected a duration such as 30s, 15m, 1h30m or 14d'],
  [
    'an unknown cause',
    { groups: [{ match: ['a'], pauseOn: ['boredom'] }] },
    'groups.0.pauseOn.0: Invalid option: expected one of "stuckBehind"|"crashLoop"|"lag"'
  ],
  ['an entry for nobody', { groups: [{ match: [] }] }, 'groups.0.match: Too small: expected array to have >=1 items'],
  ['a pause of a week', { pauseFor: '7d' }, 'pauseFor: expected a duration from 1s to 1d'],
  ['severities in the wrong order', { pageLagMessages: 20_000_000 }, 'incidentLagMessages: 10000000 is below pageLagMessages (20000000)'],
  ['an entry that contradicts the rest', { groups: [{ match: ['a'], pauseFor: '30s' }] }, 'groups.0.verifyWithin: is not shorter than pauseFor']
])('%s is refused with its place', ([, input, mistake]) => {
  expect(mistakes(input)).toContain(mistake)
})

test('whatever is written there, the answer is a policy or a list of mistakes', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.record({ lagFor: fc.string(), groups: fc.jsonValue(), pauseOn: fc.jsonValue() })),
      input => void policySchema.safeParse(input)
    )
  )
})
