import type { Bytes } from './bytes.ts'
import { textOf } from './bytes.ts'
import { isMembers, type Members } from './json.ts'

export type Result = 'success' | 'failure' | 'unknown'
export type Lane = 'change' | 'broker' | 'refused' | 'request' | 'access' | 'attribution' | 'reeve' | 'log' | 'gap'

/** One entry as the table shows it. Texts are whoever wrote them's: nothing of them is trusted. */
export interface Row {
  readonly partition: number
  readonly sequence: number
  readonly type: string
  readonly lane: Lane
  /** Null where nobody knows. */
  readonly atMs: number | null
  readonly who: string
  readonly client: string
  readonly what: string
  readonly where: string
  readonly how: string
  readonly why: string
  readonly result: Result
  readonly code: string
  readonly message: string
  readonly source: string
  readonly severity: number
  readonly count: number
  readonly eventId: string
  readonly causationId: string | null
  readonly text: string
  readonly value: Members
  /** Of a change: who made it, and how sure that is. */
  attribution: Row | null
  /** Of an attribution: the change. */
  change: Row | null
}

export const lanes: readonly { readonly lane: Lane; readonly name: string }[] = [
  { lane: 'change', name: 'Changes' },
  { lane: 'broker', name: 'Brokers' },
  { lane: 'refused', name: 'Refused' },
  { lane: 'request', name: 'Requests' },
  { lane: 'access', name: 'Accesses' },
  { lane: 'attribution', name: 'Attribution' },
  { lane: 'reeve', name: 'Reeve' },
  { lane: 'log', name: 'The log itself' },
  { lane: 'gap', name: 'Gaps' }
]

/** The entries of one log as rows, whatever their bytes are. */
export function rowsOf(partition: number, first: number, entries: readonly Bytes[]): Row[] {
  return entries.map((bytes, index) => rowOf(partition, first + index, bytes))
}

/** Ties each attribution to its change. */
export function tie(rows: readonly Row[]): void {
  const byId = new Map(rows.map(row => [row.eventId, row]))
  for (const row of rows) {
    if (row.lane !== 'attribution' || row.causationId === null) continue
    const change = byId.get(row.causationId)
    if (!change) continue
    row.change = change
    change.attribution = row
  }
}

function rowOf(partition: number, sequence: number, bytes: Bytes): Row {
  let text = ''
  let value: Members = {}
  try {
    text = textOf(bytes)
    const parsed: unknown = JSON.parse(text)
    if (isMembers(parsed)) value = parsed
  } catch {
    text = `${bytes.length} bytes that are not JSON in UTF-8`
  }
  const payload = membersIn(value, 'payload')
  const unmapped = membersIn(payload, 'unmapped')
  const actor = membersIn(payload, 'actor')
  const api = membersIn(payload, 'api')
  const endpoint = membersIn(payload, 'src_endpoint')
  const region = wordOf(membersIn(endpoint, 'location')['region'])
  const address = wordOf(endpoint['ip'])
  const user = isMembers(actor['user']) ? actor['user'] : membersIn(payload, 'user')
  const type = wordOf(value['eventType']) || 'not readable'
  const time = payload['time']
  return {
    partition,
    sequence,
    type,
    lane: laneOf(type),
    atMs: typeof time === 'number' && time > 0 && Math.abs(time) <= 8.64e15 ? time : null,
    who: user['type_id'] === 0 ? '' : wordOf(user['name']),
    client: wordOf(actor['app_name']),
    what: listIn(payload['resources']).map(resourceOf).filter(Boolean).join(', '),
    where: [address, region && `(${region})`].filter(Boolean).join(' '),
    how: wordOf(api['operation']) || wordOf(payload['activity_name']),
    why: wordOf(unmapped['reason']) || wordOf(membersIn(api, 'request')['uid']) || wordOf(value['correlationId']),
    result: payload['status_id'] === 1 ? 'success' : payload['status_id'] === 2 ? 'failure' : 'unknown',
    code: wordOf(payload['status_code']),
    message: wordOf(payload['message']),
    source: wordOf(value['source']),
    severity: typeof payload['severity_id'] === 'number' ? payload['severity_id'] : 0,
    count: typeof payload['count'] === 'number' ? payload['count'] : 1,
    eventId: wordOf(value['eventId']),
    causationId: typeof value['causationId'] === 'string' ? value['causationId'] : null,
    text,
    value,
    attribution: null,
    change: null
  }
}

export function unmappedOf({ value }: Row): Members {
  return membersIn(membersIn(value, 'payload'), 'unmapped')
}

export function membersIn(value: Members, name: string): Members {
  const member = value[name]
  return isMembers(member) ? member : {}
}

/** Text as it is, text that was cut with a mark, anything else as JSON; nothing as nothing. */
export function wordOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (isMembers(value) && typeof value['cut'] === 'string') return `${value['cut']}… (cut, ${wordOf(value['length'])} bytes)`
  return JSON.stringify(value)
}

/** A list, or the first part of one that was cut. */
export function listIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return isMembers(value) && Array.isArray(value['cut']) ? value['cut'] : []
}

function resourceOf(value: unknown): string {
  return isMembers(value) ? [wordOf(value['type']), wordOf(value['name']) || wordOf(value['uid'])].filter(Boolean).join(' ') : ''
}

function laneOf(type: string): Lane {
  if (type === 'audit.gap') return 'gap'
  if (type === 'access.denied' || type === 'authentication.failed') return 'refused'
  const [family = ''] = type.split('.')
  const known: Readonly<Record<string, Lane>> = {
    access: 'access',
    authentication: 'access',
    request: 'request',
    change: 'attribution',
    reeve: 'reeve',
    broker: 'broker',
    controller: 'broker',
    audit: 'log',
    line: 'log'
  }
  if (type === 'metadata.routine') return 'log'
  return Object.hasOwn(known, family) ? known[family]! : type === 'not readable' ? 'gap' : 'change'
}
