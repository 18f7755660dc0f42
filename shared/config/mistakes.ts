import type { z } from 'zod'
import { nearest } from './nearest.ts'
import { pathText, valueAt, type Path } from './path.ts'
import type { Place, Source } from './source.ts'

/** One thing that is wrong, where, and what was expected. Never a secret, nor a value that came from the environment. */
export interface Mistake {
  /** For example `owners[2].channel`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  /** From 1; null where the file itself could not be read. */
  readonly line: number | null
  readonly column: number | null
}

type Issue = z.core.$ZodIssue
type JsonSchema = z.core.JSONSchema.BaseSchema

/** A mistake at a place of a source, which may be one cluster's view of the file. */
export function mistakeIn(source: Source, path: Path, message: string): Mistake {
  return mistakeAt(source.inFile(path), message, source.place(path))
}

export function mistakeAt(path: Path, message: string, place: Place | null): Mistake {
  return { path: pathText(path), message, line: place?.line ?? null, column: place?.column ?? null }
}

/** What zod found, as mistakes. `hidden` are the paths whose values came from the environment; `schema` is the JSON Schema of the input. */
export function mistakesOf(issues: readonly Issue[], source: Source, tree: unknown, hidden: readonly Path[], schema: JsonSchema): readonly Mistake[] {
  return issues.flatMap(issue => {
    const path = issue.path as Path
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map(key => {
        const near = nearest(key, knownKeys(schema, path))
        return mistakeIn(source, [...path, key], `unknown key${near ? `; did you mean ${near}?` : ''}`)
      })
    const value = valueAt(tree, path)
    const missing = value === undefined
    // Zod's own texts: `Invalid input: expected number, received string`.
    const expected = issue.message.replace(/^(?:Invalid|Too) \w+: /, '').replace(/, received .*$/s, '')
    return [mistakeIn(source, path, missing ? `missing: ${expected}` : `${expected}${shown(value, path, hidden)}`)]
  })
}

const secretKey = /password|secret|token|webhook|url|key/i

function shown(value: unknown, path: Path, hidden: readonly Path[]): string {
  if (value === null) return ', found nothing'
  if (typeof value === 'object') return `, found a ${Array.isArray(value) ? 'list' : 'block'}`
  if (hidden.some(other => other.length === path.length && other.every((part, index) => part === path[index])))
    return ', found something else in the environment'
  if (path.some(part => typeof part === 'string' && secretKey.test(part))) return ''
  const text = JSON.stringify(value) ?? typeof value
  return `, found ${text.length > 60 ? `${text.slice(0, 57)}…` : text}`
}

function knownKeys(schema: JsonSchema, path: Path): readonly string[] {
  const [part, ...rest] = path
  return alternatives(schema).flatMap(here => {
    if (part === undefined) return Object.keys(here.properties ?? {})
    const below = typeof part === 'number' ? (here.items as JsonSchema | undefined) : (here.properties?.[part] ?? here.additionalProperties)
    return typeof below === 'object' ? knownKeys(below, rest) : []
  })
}

/** What a value may be, where it may be one of several. */
function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const several = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].filter(one => typeof one === 'object')
  return several.length > 0 ? several.flatMap(alternatives) : [schema]
}
