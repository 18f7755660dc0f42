/** What a broker or controller says of one login, from `org.apache.kafka.common.network.Selector` (Kafka 4.0 to 4.4). Nobody is named in it. */
export interface LoginFacts {
  readonly succeeded: boolean
  /** An established connection showed its credentials once more (KIP-368). */
  readonly again: boolean
  /** The client's. */
  readonly address: string
  /** The client's; null for a login that succeeded, of which Kafka does not write it. */
  readonly port: number | null
  /** Where the client came to: BROKER or CONTROLLER. */
  readonly listenerType: string
  /** Own address and port of the listener, as `10.0.0.1:9093`; null likewise. */
  readonly listener: string | null
  /** Of SASL, or SSL where a handshake failed; null where the line does not say. */
  readonly mechanism: string | null
  /** Null for a login that succeeded. */
  readonly reason: LoginReason | null
}

/** Kafka's message in one word. The message itself is not kept: it may quote what a client sent, and a callback handler may write anything. */
export type LoginReason =
  | 'invalid-credentials'
  | 'invalid-token'
  | 'other-authorization-id'
  | 'malformed'
  | 'unsupported-mechanism'
  | 'unexpected-request'
  | 'principal-changed'
  | 'mechanism-changed'
  | 'ssl-handshake'
  | 'other'

export type LoginReading = LoginFacts | { readonly unreadable: 'not-a-login' | 'message' }

/** What a line of a server that tells of a login has in it; a broker's own clients have another prefix. */
const looksSo = /\[SocketServer [^\]\r\n]{1,100}\] (?:Failed|Successfully) (?:re-)?authenticat/
const place = String.raw`[0-9A-Za-z.:%_-]{1,100}`
// Reverse look-ups put a name before the slash.
const start = String.raw`^\[SocketServer listenerType=([A-Z_]{1,20}), nodeId=-?\d{1,10}\] `
const failed = new RegExp(
  String.raw`${start}Failed (re-)?authentication with [^\s()]{0,255}/(${place}) \(channelId=(${place}):(\d{1,5})-(${place}):(\d{1,5})-\d{1,10}-\d{1,10}\) \(([^]*)\)$`
)
const succeeded = new RegExp(String.raw`${start}Successfully (re-)?authenticated with [^\s()]{0,255}/(${place})$`)

/** Whether a text has in it what only a line about a login has. */
export function looksLikeLogin(text: string): boolean {
  return looksSo.test(text)
}

/** Reads one message. What a client or a callback handler wrote into it stands behind everything that is taken over. */
export function readLoginMessage(message: string): LoginReading {
  if (looksSo.exec(message)?.index !== 0) return { unreadable: 'not-a-login' }
  const done = succeeded.exec(message)
  if (done !== null) {
    const [, listenerType, again, address] = done
    const unsaid = { port: null, listener: null, mechanism: null, reason: null }
    return { succeeded: true, again: again !== undefined, address: address!, listenerType: listenerType!, ...unsaid }
  }
  const [, listenerType, again, , ownAddress, ownPort, address, port, said] = failed.exec(message) ?? []
  if (said === undefined) return { unreadable: 'message' }
  return {
    succeeded: false,
    again: again !== undefined,
    address: address!,
    port: Number(port),
    listenerType: listenerType!,
    listener: `${ownAddress}:${ownPort}`,
    ...refusalOf(said)
  }
}

type Refusal = Pick<LoginFacts, 'mechanism' | 'reason'>

/** What Kafka's own classes throw (SaslServerAuthenticator, the servers of its mechanisms, SslTransportLayer), each from end to end. */
const refusals: readonly (readonly [RegExp, LoginReason, string | null])[] = [
  [/^Authentication failed: (?:Invalid username or password|credentials for user could not be verified)$/, 'invalid-credentials', 'PLAIN'],
  [/^Authentication failed: (?:username|password) not specified$/, 'malformed', 'PLAIN'],
  [/^Invalid SASL\/PLAIN response: expected 3 tokens, got \d{1,10}$/, 'malformed', 'PLAIN'],
  [/^Authentication failed: Client requested an authorization id that is different from username$/, 'other-authorization-id', null],
  [/^Authentication failed: Client requested an authorization id \([^]*\)$/, 'other-authorization-id', 'OAUTHBEARER'],
  [/^Authentication failed: \d{1,10} extensions are invalid! They are: [^]*$/, 'invalid-token', 'OAUTHBEARER'],
  [/^\{"status":"[^]*\}$/, 'invalid-token', 'OAUTHBEARER'],
  [/^Failing SASL authentication due to invalid receive size$/, 'malformed', null],
  [/^Unsupported SASL mechanism [^]*$/, 'unsupported-mechanism', null],
  [/^SASL mechanism '[^]*' requested by client is not supported for re-authentication of mechanism '[^]*'$/, 'mechanism-changed', null],
  [/^Cannot change principals during re-authentication from [^]*$/, 'principal-changed', null],
  [/^Unexpected Kafka request of type [A-Z_]{1,60} during SASL authentication\.$/, 'unexpected-request', null],
  [/^(?:SSL handshake failed|Failed to process post-handshake messages)$/, 'ssl-handshake', 'SSL']
]
const invalid = /^Authentication failed during (?:re-)?authentication due to invalid credentials with SASL mechanism ([A-Z0-9_-]{1,20})$/

function refusalOf(said: string): Refusal {
  const [, mechanism] = invalid.exec(said) ?? []
  if (mechanism !== undefined) return { reason: 'invalid-credentials', mechanism }
  const [, reason, named] = refusals.find(([pattern]) => pattern.test(said)) ?? [null, 'other' as const, null]
  return { reason, mechanism: named }
}
