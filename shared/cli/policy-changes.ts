import { z } from 'zod'
import { formatDuration } from '../domain/duration.ts'
import { pathText, type Path } from '../config/path.ts'

/** Where two policies differ, in the order of the knobs. Durations are written as an operator writes them. */
export function policyChanges(schema: z.ZodType, present: unknown, changed: unknown): { path: string; present: string; changed: string }[] {
  const units = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  const found: { path: string; present: string; changed: string }[] = []
  const walk = (before: unknown, after: unknown, path: Path): void => {
    if (isBlock(before) && isBlock(after)) {
      const keys = new Set([...Object.keys(before), ...Object.keys(after)])
      for (const key of keys) walk(before[key], after[key], [...path, Array.isArray(before) ? Number(key) : key])
    } else if (JSON.stringify(before) !== JSON.stringify(after)) {
      const unit = unitAt(units, path)
      found.push({ path: pathText(path), present: shown(before, unit), changed: shown(after, unit) })
    }
  }
  walk(present, changed, [])
  return found
}

/** Lists of plain values are compared as one value. */
function isBlock(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !(Array.isArray(value) && value.every(item => item === null || typeof item !== 'object'))
}

function shown(value: unknown, unit: unknown): string {
  if (value === undefined) return '(not set)'
  return unit === 'duration' && typeof value === 'number' ? formatDuration(value) : JSON.stringify(value)
}

function unitAt(schema: z.core.JSONSchema.BaseSchema, path: Path): unknown {
  let here: unknown = schema
  for (const part of path) {
    if (here === null || typeof here !== 'object') return undefined
    here = typeof part === 'number' ? (here as { items?: unknown }).items : (here as { properties?: Record<string, unknown> }).properties?.[part]
  }
  return (here as { unit?: unknown } | undefined)?.unit
}
