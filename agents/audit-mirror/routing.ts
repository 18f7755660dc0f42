import type { AuditEvent } from '#shared/audit/event.ts'
import { metadataSource, type MirrorInput, scanSource } from './feeds/feed.ts'

/** The source whose log has the events that an input makes; null: what the mirror finds itself is about no source. */
export function sourceOfInput(input: MirrorInput): string | null {
  if (input.kind === 'brought') return input.input.sourceId
  return input.kind === 'gap' ? input.sourceId : null
}

/** The source of an event that the passing of time has made: of what was counted, or of the change of which it says who made it. */
export function sourceOfEvent({ eventType, payload: { unmapped } }: AuditEvent): string | null {
  const { sourceId, coordinate } = unmapped
  if (typeof sourceId === 'string') return sourceId
  if (eventType !== 'change.attributed' && eventType !== 'change.unattributed') return null
  return coordinate.startsWith(`${scanSource}@`) ? scanSource : metadataSource
}
