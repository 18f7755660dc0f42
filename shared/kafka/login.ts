import type { ConnectionOptions } from '@platformatic/kafka'
import { describeToken } from '../credentials/access-token.ts'
import { describeCertificate } from '../credentials/tls.ts'
import type { KafkaConnection } from './connection.ts'
import { KafkaFault } from './errors.ts'

type SaslOptions = NonNullable<ConnectionOptions['sasl']>

/** The driver's options for a login: passwords and tokens are looked up at each authentication, also at one anew (KIP-368). */
export function saslOptions(login: NonNullable<KafkaConnection['sasl']>): SaslOptions {
  if (login.mechanism !== 'OAUTHBEARER') return { ...login }
  const { mechanism, extensions } = login
  let shown = ''
  return {
    mechanism,
    token: async () => (shown = await login.token()),
    ...(extensions && { oauthBearerExtensions: { ...extensions } }),
    // A broker says no with a status, not with an error code (RFC 7628 section 3.2.2).
    authBytesValidator: (said, callback) => callback(said.length === 0 ? null : refusalOf(shown, said.toString('utf8')), said)
  }
}

function refusalOf(token: string, said: string): Error {
  const status = /"status"\s*:\s*"([a-z_]{1,40})"/.exec(said)?.[1] ?? 'no reason given'
  const claims = describeToken(token, Date.now())
  return new Error(
    `SASL/OAUTHBEARER: the broker refused the access token (${status})${claims === null ? '' : `: it says ${claims}`}; ` +
      "check them against the brokers' expected issuer, audience and keys, the scope that was asked for, and the clocks"
  )
}

/**
 * A refusal of this client's certificate, made whole: TLS 1.3 lets a client send before the broker has judged its certificate, so the
 * alert comes on its own, after the connection, or is overtaken by the end of the connection; and many brokers give the same one for
 * every reason. Null for anything else. `answered`: the broker has answered on this connection.
 */
export function certificateRefusal({ tls }: KafkaConnection, error: unknown, answered: boolean, where: string): KafkaFault | null {
  if (!tls) return null
  const said = messagesOf(error)
  const shown = `${describeCertificate(tls.certFile, Date.now())}; check tls.certFile and the authorities that the brokers trust`
  const alert = said
    .map(text => /alert ((?:bad |unknown |unsupported )?(?:certificate(?: \w+)?|ca)|handshake failure|access denied)\b/i.exec(text)?.[1])
    .find(Boolean)
  if (alert) {
    const what = `the broker refused this client's certificate (TLS alert "${alert}")`
    return new KafkaFault('tls', `${where}: ${what}: ${shown}`, { outcome: answered ? 'unknown' : 'refused', cause: error })
  }
  if (answered || !said.some(text => /ECONNRESET|EPIPE|Connection closed/.test(text))) return null
  const what = 'the broker hung up before its first answer, as it does when it refuses a certificate'
  return new KafkaFault('tls', `${where}: ${what}: ${shown}`, { retriable: true, outcome: 'unknown', cause: error })
}

function messagesOf(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...messagesOf(error.cause)] : []
}
