import type { JsonValue } from '../domain/json.ts'
import type { ChangeKind } from '../kafka/metadata-log/decode/describe.ts'
import type { AuditEvent } from './event.ts'
import { type Traits, unsaid } from './claim.ts'
import type { ChangeInput } from './inputs.ts'

/** A change that was written, and of which nobody has said yet who made it. JSON: it outlives the process. */
export interface OpenChange {
  readonly coordinate: string
  readonly eventId: string
  readonly eventType: string
  readonly kind: ChangeKind
  readonly resourceType: string
  readonly name: string | null
  readonly id: string | null
  readonly timestampMs: number
  /** It happened between this and `timestampMs`. */
  readonly earliestMs: number
  readonly traits: Traits | null
  /** It came so late that lines about it may be forgotten: none is taken. */
  readonly late: boolean
  /** It was said that nobody is known to have made it; a line that comes late may still say so. */
  readonly unattributed?: true
}

const mostTraits = 100
const mostTraitLength = 300

export function openChange({ change, timestampMs, earliestMs }: ChangeInput, { eventId, eventType, payload }: AuditEvent, late: boolean): OpenChange {
  const { kind, resource, before, after } = change
  const traits = kind === 'config-changed' ? traitsOf(after) : kind === 'acl-added' || kind === 'acl-removed' ? traitsOf(after ?? before) : null
  const { type: resourceType, name, id } = resource
  return { coordinate: payload.unmapped.coordinate, eventId, eventType, kind, resourceType, name, id, timestampMs, earliestMs, traits, late }
}

function traitsOf(view: JsonValue): Traits | null {
  if (typeof view !== 'object' || view === null || Array.isArray(view)) return null
  const members = Object.entries(view).slice(0, mostTraits)
  return Object.fromEntries(
    members.map(([name, value]) => [name, value === null ? null : typeof value === 'string' && value.length <= mostTraitLength ? value : unsaid])
  )
}
