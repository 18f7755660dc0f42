import { expect, test } from 'vitest'
import { z } from 'zod'
import { incompatibilities, type JsonSchema } from './compatibility.ts'

const schema = (type: z.ZodType): JsonSchema => z.toJSONSchema(type, { io: 'input', target: 'draft-2020-12' }) as JsonSchema
const older = schema(
  z.object({
    name: z.string(),
    status: z.enum(['done', 'failed']),
    note: z.string().optional(),
    place: z.object({ host: z.string().nullable() }),
    items: z.array(z.object({ code: z.number().int() })),
    version: z.literal(1)
  })
)
const shape = {
  name: z.string(),
  status: z.enum(['done', 'failed']),
  note: z.string().optional(),
  place: z.object({ host: z.string().nullable() }),
  items: z.array(z.object({ code: z.number().int() })),
  version: z.literal(1)
}
const without = (name: keyof typeof shape) => Object.fromEntries(Object.entries(shape).filter(([each]) => each !== name))

test('the same schema is compatible with itself', () => {
  expect(incompatibilities(older, older)).toEqual([])
})

test.each<[string, Record<string, z.ZodType>]>([
  ['a new optional member', { ...shape, more: z.number().optional() }],
  ['a new value of an enumeration', { ...shape, status: z.enum(['done', 'failed', 'unknown']) }],
  ['a new optional member deeper down', { ...shape, place: z.object({ host: z.string().nullable(), rack: z.string().optional() }) }],
  ['a new optional member of items', { ...shape, items: z.array(z.object({ code: z.number().int(), text: z.string().optional() })) }],
  ['another alternative', { ...shape, place: z.object({ host: z.union([z.string(), z.null(), z.number()]) }) }],
  ['a text that may be cut from now on', { ...shape, name: z.union([z.string(), z.object({ cut: z.string() })]) }],
  ['another description', { ...shape, name: z.string().describe('Whose.') }]
])('%s is compatible', (_, members) => {
  expect(incompatibilities(older, schema(z.object(members)))).toEqual([])
})

test.each<[string, Record<string, z.ZodType>]>([
  ['name: was removed', without('name')],
  ['note: was removed', without('note')],
  ['more: is new and required', { ...shape, more: z.string() }],
  ['note: is required now', { ...shape, note: z.string() }],
  ['name: is required no more', { ...shape, name: z.string().optional() }],
  ['name: can be string no more', { ...shape, name: z.number() }],
  ['status: can be "failed" no more', { ...shape, status: z.enum(['done']) }],
  ['name: could be any value, now only "a"', { ...shape, name: z.enum(['a']) }],
  ['version: can be 1 no more', { ...shape, version: z.literal(2) }],
  ['place.host: was removed', { ...shape, place: z.object({}) }],
  ['place.host: can be null no more', { ...shape, place: z.object({ host: z.string() }) }],
  ['name: is none of the alternatives of anyOf', { ...shape, name: z.union([z.number(), z.object({ cut: z.string() })]) }],
  ['items[].code: can be integer no more', { ...shape, items: z.array(z.object({ code: z.string() })) }]
])('refused: %s', (fault, members) => {
  expect(incompatibilities(older, schema(z.object(members)))).toContain(fault)
})

test('alternatives may be more, and none may go or change', () => {
  const either = (...types: [z.ZodType, z.ZodType, ...z.ZodType[]]) => schema(z.object({ value: z.union(types) }))
  const [cut, list] = [z.object({ cut: z.string() }), z.array(z.string())]
  expect(incompatibilities(either(cut, list), either(list, cut, z.string()))).toEqual([])
  expect(incompatibilities(either(cut, list, z.string()), either(cut, list))).toEqual(['value: 1 of 3 alternatives of anyOf are gone or changed'])
  expect(incompatibilities(either(cut, list), either(z.object({ cut: z.number() }), list))).toEqual(['value: 1 of 2 alternatives of anyOf are gone or changed'])
})

test('what is referred to by name is compared too', () => {
  const named = (type: z.ZodType) => {
    const registry = z.registry<{ id: string }>()
    registry.add(type, { id: 'Part' })
    return z.toJSONSchema(z.object({ one: type, other: type }), { io: 'input', metadata: registry, reused: 'ref' }) as JsonSchema
  }
  expect(incompatibilities(named(z.object({ a: z.string() })), named(z.object({ a: z.string(), b: z.string().optional() })))).toEqual([])
  expect(incompatibilities(named(z.object({ a: z.string() })), named(z.object({ b: z.string().optional() })))).toEqual(['Part.a: was removed'])
})
