import { createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalJson, type JsonValue } from '../domain/json.ts'
import type { PersonRequest } from './agent.ts'

export type ProvenBy = NonNullable<PersonRequest['seal']>['by']

/**
 * Marks a request whose `who` the HTTP port has proven. Whoever may write to the requests topic can claim any name; the seal (HMAC-SHA256
 * with the port's key over the whole request) is what only the port can write.
 */
export function seal(request: PersonRequest, by: ProvenBy, key: string): PersonRequest {
  return { ...request, seal: { by, mac: macOf(request, by, key).toString('base64url') } }
}

/** How `who` was proven; null: it is only claimed. `keys`: the present one and those before it. */
export function provenBy(request: PersonRequest, keys: readonly string[]): ProvenBy | null {
  if (request.seal === undefined) return null
  const { by, mac } = request.seal
  const given = Buffer.from(mac, 'base64url')
  const sound = keys.some(key => {
    const expected = macOf(request, by, key)
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
  return sound ? by : null
}

function macOf({ seal: _, ...request }: PersonRequest, by: ProvenBy, key: string): Buffer {
  const said = Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)) as JsonValue
  return createHmac('sha256', key)
    .update('reeve request\n')
    .update(canonicalJson([by, said]))
    .digest()
}
