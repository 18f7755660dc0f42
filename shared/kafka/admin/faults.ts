import { apiErrorName } from '../cluster.ts'
import { faultOfApiError, KafkaFault } from '../errors.ts'

const retriable = new Set([7, 14, 15, 16, 41, 89]) // REQUEST_TIMED_OUT, the coordinator's, NOT_CONTROLLER, THROTTLING_QUOTA_EXCEEDED

/** Throws the fault of a non-zero error code with the broker's own words, where it gave some. */
export function checkAnswer(code: number, message: string | null | undefined, where: string): void {
  if (code === 0) return
  const fault = faultOfApiError(apiErrorName(code), retriable.has(code), where)
  if (!message) throw fault
  throw new KafkaFault(fault.kind, `${fault.message}: ${message}`, { apiError: fault.apiError, retriable: fault.retriable, outcome: fault.outcome })
}
