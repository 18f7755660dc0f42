import { hash } from 'node:crypto'

/** The id of the event of this type that this place of a source gives: a UUID of version 8 (RFC 9562), the same each time. */
export function eventIdOf(eventType: string, coordinate: string): string {
  const hex = hash('sha256', `${eventType}\n${coordinate}`, 'hex')
  const variant = ((Number.parseInt(hex[16]!, 16) & 0b11) | 0b1000).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
