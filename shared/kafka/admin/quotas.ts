import { alterClientQuotasV1, type ClientQuotaEntityTypeValue, type ClientQuotaKeyValue, describeClientQuotasV1 } from '@platformatic/kafka'
import type { Cluster } from '../cluster.ts'
import type { QuotaEntry } from '../ports.ts'
import { checkAnswer } from './faults.ts'

/** Every client quota: of users, client ids, both together, and addresses. */
export async function quotas(cluster: Cluster): Promise<QuotaEntry[]> {
  const response = await cluster.request('any', describeClientQuotasV1.api, [], false)
  checkAnswer(response.errorCode, response.errorMessage, 'client quotas')
  return (response.entries ?? []).map(({ entity, values }) => ({
    entity: Object.fromEntries(entity.map(({ entityType, entityName }) => [entityType, entityName ?? null])),
    values: Object.fromEntries(values.map(({ key, value }) => [key, value]))
  }))
}

/** Sets or, with null, removes quota values of one entity. Kafka takes whole bytes a second only; it refuses a fraction, in its own words. */
export async function alterQuotas(cluster: Cluster, entity: QuotaEntry['entity'], changes: Readonly<Record<string, number | null>>): Promise<void> {
  const ops = Object.entries(changes).map(([key, value]) => ({ key: key as ClientQuotaKeyValue, value: value ?? 0, remove: value === null }))
  if (ops.length === 0) return
  const entities = Object.entries(entity).map(([entityType, entityName]) => ({ entityType: entityType as ClientQuotaEntityTypeValue, entityName }))
  const { entries } = await cluster.request('any', alterClientQuotasV1.api, [{ entities, ops }], false)
  for (const { errorCode, errorMessage } of entries) checkAnswer(errorCode, errorMessage, `quotas of ${JSON.stringify(entity)}`)
}
