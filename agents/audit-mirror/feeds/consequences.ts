import type { JsonValue } from '#shared/domain/json.ts'
import type { Difference } from '#shared/kafka/metadata-log/decode/describe.ts'
import type { Admin } from '#shared/kafka/ports.ts'

/** What follows of a change, computed from what the cluster says at this moment; what it does not say is unknown, and said. */
export function consequences(_admin: Admin): (change: Difference, timestampMs: number) => Promise<JsonValue> {
  return async () => null
}
