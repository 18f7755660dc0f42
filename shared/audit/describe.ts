import type { JsonValue } from '../domain/json.ts'
import type { Entry } from './entry.ts'

/** The seven Ws of an entry, in text; null where it does not say. */
export interface Ws {
  /** ISO 8601, UTC. */
  readonly when: string
  readonly who: string | null
  /** Type of the event, and the resources by type and name. */
  readonly what: string
  readonly where: string | null
  readonly how: string | null
  readonly why: string | null
  readonly result: string | null
}

/** Total over all that an entry may hold: what is no text is left out. */
export function wsOf({ eventType, value }: Pick<Entry, 'eventType' | 'value'>): Ws {
  const { payload, timestamp } = value
  const at = (...path: string[]): string | null => textAt(payload, path)
  const resources = Array.isArray(payload['resources']) ? (payload['resources'] as readonly JsonValue[]) : []
  const named = resources.map(resource => joined(' ', textAt(resource, ['type']), textAt(resource, ['name']) ?? textAt(resource, ['uid'])))
  const region = at('src_endpoint', 'location', 'region')
  return {
    when: timestamp,
    who: at('actor', 'user', 'name') ?? at('user', 'name'),
    what: joined(' ', eventType, joined(', ', ...named))!,
    where: joined(' ', at('src_endpoint', 'ip') ?? at('src_endpoint', 'name'), region && `(${region})`),
    how: at('api', 'operation') ?? at('activity_name'),
    why: at('api', 'request', 'uid') ?? textAt(value, ['correlationId']),
    result: joined(' ', at('status'), at('status_code'))
  }
}

/** One line: when, who, what, where, how, with which result. `name` is what the entry is called, by default its sequence. */
export function lineOf(entry: Pick<Entry, 'eventType' | 'value' | 'sequence'>, name = String(entry.sequence)): string {
  const { when, who, what, where, how, result } = wsOf(entry)
  return joined('  ', when, `#${name}`, who ?? 'unknown', what, where && `from ${where}`, how && `by ${how}`, result)!
}

/** Text that was too long stands there as its first part. */
function textAt(value: JsonValue, [name, ...rest]: readonly string[]): string | null {
  if (typeof value === 'number') return String(value)
  if (name === undefined) return typeof value === 'string' ? value || null : isObject(value) && typeof value['cut'] === 'string' ? `${value['cut']}…` : null
  return isObject(value) && Object.hasOwn(value, name) ? textAt(value[name]!, rest) : null
}

function isObject(value: JsonValue): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function joined(separator: string, ...parts: readonly (string | null)[]): string | null {
  return parts.filter(part => part !== null && part !== '').join(separator) || null
}
