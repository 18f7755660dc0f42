import { createHmac, timingSafeEqual } from 'node:crypto'
import { canonicalJson, type JsonValue } from '../domain/json.ts'
import type { PersonRequest, ReeveTopics } from './agent.ts'

export type ProvenBy = NonNullable<PersonRequest['seal']>['by']

/**
 * Marks a request whose `who` the HTTP port has proven. Whoever may write to the requests topic can claim any name; the seal (HMAC-SHA256
 * with the port's key over the whole request) is what only the port can write.
 */
export function seal(request: PersonRequest, by: ProvenBy, scope: string, key: string): PersonRequest {
  return { ...request, seal: { by, mac: macOf(request, by, scope, key).toString('base64url') } }
}

/** What tells the topics of one Reeve from another's: a seal holds nowhere else. */
export function scopeOf(clusterId: string, topics: ReeveTopics): string {
  return `${clusterId}/${topics.requests}`
}

/** How `who` was proven; null: it is only claimed. `keys`: the present one and those before it. */
export function provenBy(request: PersonRequest, scope: string, keys: readonly string[]): ProvenBy | null {
  if (request.seal === undefined) return null
  const { by, mac } = request.seal
  const given = Buffer.from(mac, 'base64url')
  const sound = keys.some(key => {
    const expected = macOf(request, by, scope, key)
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
  return sound ? by : null
}

function macOf(request: PersonRequest, by: ProvenBy, scope: string, key: string): Buffer {
  const said = Object.fromEntries(Object.entries(request).filter(([name, value]) => name !== 'seal' && value !== undefined)) as JsonValue
  return createHmac('sha256', key)
    .update('reeve request\n')
    .update(canonicalJson([scope, by, said]))
    .digest()
}
