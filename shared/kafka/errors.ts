import { GenericError, MultipleErrors } from '@platformatic/kafka'

/**
 * What went wrong, in the classes that decide what to do next.
 * `outcome` answers the question of law 6: may the request have taken effect?
 */
export type KafkaFaultKind =
  | 'unreachable' // no connection
  | 'tls' // certificate or handshake refused
  | 'authentication' // wrong user or password
  | 'authorization' // a right is missing
  | 'timeout' // no answer in time
  | 'fenced' // another writer has taken over this transactional id
  | 'protocol' // the broker answered with an error code

export class KafkaFault extends Error {
  override readonly name = 'KafkaFault'
  readonly kind: KafkaFaultKind
  /** Kafka's own name of the error, for example NOT_LEADER_OR_FOLLOWER; null when no broker answered. */
  readonly apiError: string | null
  readonly retriable: boolean
  /** `refused`: certainly without effect. `unknown`: read back before believing anything. */
  readonly outcome: 'refused' | 'unknown'

  constructor(
    kind: KafkaFaultKind,
    message: string,
    facts: { apiError?: string | null; retriable?: boolean; outcome?: 'refused' | 'unknown'; cause?: unknown } = {}
  ) {
    super(message, { cause: facts.cause })
    this.kind = kind
    this.apiError = facts.apiError ?? null
    this.retriable = facts.retriable ?? false
    this.outcome = facts.outcome ?? (kind === 'timeout' ? 'unknown' : 'refused')
  }
}

const fencedErrors = new Set(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH', 'INVALID_PRODUCER_ID_MAPPING'])

/** Kind of a Kafka error by its name. Retriable is Kafka's own word, given by the caller's table. */
export function faultOfApiError(apiError: string, retriable: boolean, where: string, cause?: unknown): KafkaFault {
  const kind: KafkaFaultKind = apiError.endsWith('_AUTHORIZATION_FAILED')
    ? 'authorization'
    : apiError.includes('SASL')
      ? 'authentication'
      : fencedErrors.has(apiError)
        ? 'fenced'
        : 'protocol'
  const unknown = apiError === 'REQUEST_TIMED_OUT' || apiError === 'NOT_ENOUGH_REPLICAS_AFTER_APPEND'
  return new KafkaFault(kind, `${where}: ${apiError}`, { apiError, retriable, outcome: unknown ? 'unknown' : 'refused', cause })
}

/** Turns whatever the driver or the network threw into a KafkaFault; total over foreign errors. */
export function faultOf(error: unknown, where: string): KafkaFault {
  if (error instanceof KafkaFault) return error
  const chain = [...causes(error)]
  for (const link of chain) {
    const apiId = (link as { apiId?: unknown }).apiId
    if (typeof apiId === 'string') return faultOfApiError(apiId, (link as { canRetry?: boolean }).canRetry === true, where, error)
  }
  const messages = chain.map(link => (link instanceof Error ? link.message : JSON.stringify(link)))
  const detail = messages.at(-1) ?? String(error)
  const codes = chain.map(link => codeOf(link))
  if (messages.some(text => /SASL|authentication/i.test(text))) return new KafkaFault('authentication', `${where}: ${detail}`, { cause: error })
  if (codes.some(code => /^(ERR_TLS|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_SSL)/.test(code)) || messages.some(text => /certificate|TLS/i.test(text)))
    return new KafkaFault('tls', `${where}: ${detail}`, { cause: error })
  if (messages.some(text => /timed out/i.test(text)))
    return new KafkaFault('timeout', `${where}: ${detail}`, { retriable: true, outcome: 'unknown', cause: error })
  if (codes.some(code => /^(ECONN|ENOTFOUND|EHOSTUNREACH|EPIPE|EAI_AGAIN|PLT_KFK_NETWORK)/.test(code)))
    return new KafkaFault('unreachable', `${where}: ${detail}`, { retriable: true, outcome: 'unknown', cause: error })
  return new KafkaFault('protocol', `${where}: ${detail}`, { outcome: 'unknown', cause: error })
}

function codeOf(link: object): string {
  const { code } = link as { code?: unknown }
  return typeof code === 'string' ? code : ''
}

function* causes(error: unknown): Iterable<object> {
  if (error === null || typeof error !== 'object') return
  yield error
  if (error instanceof AggregateError || MultipleErrors.isMultipleErrors(error as Error) || GenericError.isGenericError(error as Error)) {
    for (const inner of (error as { errors?: unknown[] }).errors ?? []) yield* causes(inner)
  }
  yield* causes((error as { cause?: unknown }).cause)
}
