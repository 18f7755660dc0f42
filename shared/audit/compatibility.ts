import type { JsonValue } from '../domain/json.ts'

/** A JSON Schema, or a part of one. */
export type JsonSchema = { readonly [keyword: string]: JsonValue }

/**
 * What a newer schema takes from whoever reads by the older one, in sentences; none where it is compatible. Only what is optional may be
 * new: entries of ten years are read by one schema, and readers of today meet entries of tomorrow.
 */
export function incompatibilities(older: JsonSchema, newer: JsonSchema, path = ''): string[] {
  const at = path === '' ? 'the entry' : path
  return [
    ...typeFaults(older, newer, at),
    ...valueFaults(older, newer, at),
    ...memberFaults(older, newer, path),
    ...partFaults(older, newer, at, path),
    ...definitionFaults(older, newer)
  ]
}

function typeFaults(older: JsonSchema, newer: JsonSchema, at: string): string[] {
  const [before, after] = [typesOf(older), typesOf(newer)]
  // Without a type it may be anything, or what its alternatives say.
  if (after === null) return []
  if (before === null) return [`${at}: was of any type, is ${[...after].join(' or ')}`]
  return [...before].filter(type => !after.has(type)).map(type => `${at}: can be ${type} no more`)
}

/** Null for any type. A whole number is a number. */
function typesOf({ type }: JsonSchema): ReadonlySet<string> | null {
  if (type === undefined) return null
  const types = new Set((Array.isArray(type) ? type : [type]) as readonly string[])
  return types.has('number') ? types.add('integer') : types
}

function valueFaults(older: JsonSchema, newer: JsonSchema, at: string): string[] {
  const [before, after] = [valuesOf(older), valuesOf(newer)]
  if (before === null) return after === null ? [] : [`${at}: could be any value, now only ${[...after].join(', ')}`]
  if (after === null) return []
  return [...before].filter(value => !after.has(value)).map(value => `${at}: can be ${value} no more`)
}

function valuesOf(schema: JsonSchema): ReadonlySet<string> | null {
  if ('const' in schema) return new Set([JSON.stringify(schema['const'])])
  return Array.isArray(schema['enum']) ? new Set((schema['enum'] as readonly JsonValue[]).map(value => JSON.stringify(value))) : null
}

function memberFaults(older: JsonSchema, newer: JsonSchema, path: string): string[] {
  const [before, after] = [membersOf(older), membersOf(newer)]
  const [required, requiredNow] = [requiredOf(older), requiredOf(newer)]
  const named = (name: string): string => (path === '' ? name : `${path}.${name}`)
  return [
    ...Object.keys(before).flatMap(name => {
      const [was, is] = [before[name]!, after[name]]
      if (is === undefined) return [`${named(name)}: was removed`]
      return [
        ...(required.has(name) && !requiredNow.has(name) ? [`${named(name)}: is required no more`] : []),
        ...(!required.has(name) && requiredNow.has(name) ? [`${named(name)}: is required now`] : []),
        ...incompatibilities(was, is, named(name))
      ]
    }),
    ...[...requiredNow].filter(name => !Object.hasOwn(before, name)).map(name => `${named(name)}: is new and required`)
  ]
}

/** What is referred to by name. */
function definitionFaults(older: JsonSchema, newer: JsonSchema): string[] {
  const [before, after] = [older['$defs'], newer['$defs']].map(
    definitions => (isSchema(definitions) ? definitions : {}) as Readonly<Record<string, JsonSchema>>
  )
  return Object.keys(before!).flatMap(name => (after![name] === undefined ? [`${name}: was removed`] : incompatibilities(before![name]!, after![name], name)))
}

/** Items of lists, alternatives, and what holds for members without a name. */
function partFaults(older: JsonSchema, newer: JsonSchema, at: string, path: string): string[] {
  const faults: string[] = []
  for (const keyword of ['items', 'additionalProperties'] as const) {
    const [before, after] = [older[keyword], newer[keyword]]
    if (isSchema(before) && isSchema(after)) faults.push(...incompatibilities(before, after, `${path}[]`))
    else if (JSON.stringify(before) !== JSON.stringify(after) && after !== undefined) faults.push(`${at}: ${keyword} is not what it was`)
  }
  for (const keyword of ['anyOf', 'oneOf', 'prefixItems'] as const) {
    const [before, after] = [schemasOf(older[keyword]), schemasOf(newer[keyword])]
    if (before === null && after !== null && !after.some(is => incompatibilities({ ...older, $defs: {} }, is, path).length === 0))
      faults.push(`${at}: is none of the alternatives of ${keyword}`)
    if (before === null) continue
    const gone = before.filter(was => !(after ?? []).some(is => incompatibilities(was, is, path).length === 0)).length
    if (gone > 0) faults.push(`${at}: ${gone} of ${before.length} alternatives of ${keyword} are gone or changed`)
  }
  for (const keyword of ['minimum', 'maximum', 'pattern', '$ref', 'minItems', 'maxItems'] as const)
    if (newer[keyword] !== undefined && JSON.stringify(older[keyword]) !== JSON.stringify(newer[keyword])) faults.push(`${at}: ${keyword} is not what it was`)
  return faults
}

function membersOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const members = schema['properties']
  return isSchema(members) ? (members as Readonly<Record<string, JsonSchema>>) : {}
}

function requiredOf(schema: JsonSchema): ReadonlySet<string> {
  return new Set(Array.isArray(schema['required']) ? (schema['required'] as readonly string[]) : [])
}

function schemasOf(value: JsonValue | undefined): readonly JsonSchema[] | null {
  return Array.isArray(value) ? (value as readonly JsonValue[]).filter(isSchema) : null
}

function isSchema(value: JsonValue | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
