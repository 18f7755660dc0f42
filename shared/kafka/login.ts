import type { ConnectionOptions } from '@platformatic/kafka'
import { describeToken } from '../credentials/access-token.ts'
import { describeCertificate } from '../credentials/tls.ts'
import type { KafkaConnection, TokenLogin } from './connection.ts'
import { KafkaFault } from './errors.ts'

type SaslOptions = NonNullable<ConnectionOptions['sasl']>

/** The driver's options for a login: passwords and tokens are looked up at each authentication, also at one anew (KIP-368). */
export function saslOptions(login: NonNullable<KafkaConnection['sasl']>): SaslOptions {
  if (login.mechanism !== 'OAUTHBEARER') return { ...login }
  const { mechanism, token, extensions } = login
  return {
    mechanism,
    token,
    ...(extensions && { oauthBearerExtensions: { ...extensions } }),
    // A broker says no with a status, not with an error code (RFC 7628 section 3.2.2).
    authBytesValidator: (said, callback) => {
      if (said.length === 0) return callback(null, said)
      void refusalOf(login, said).then(refusal => callback(refusal, said))
    }
  }
}

async function refusalOf({ token }: TokenLogin, said: Buffer): Promise<Error> {
  const status = /"status"\s*:\s*"([a-z_]{1,40})"/.exec(said.toString('utf8'))?.[1] ?? 'no reason given'
  const claims = await token().then(
    text => describeToken(text, Date.now()),
    () => null
  )
  return new Error(
    `SASL/OAUTHBEARER: the broker refused the access token (${status})${claims === null ? '' : `: it says ${claims}`}; ` +
      "check them against the brokers' expected issuer, audience and keys, the scope that was asked for, and the clocks"
  )
}

/**
 * A refusal of this client's certificate, made whole: TLS 1.3 lets a client send before the broker has judged its certificate, so the
 * alert comes on its own, after the connection, and many brokers give the same one for every reason. Null for anything else.
 */
export function certificateRefusal({ tls }: KafkaConnection, error: unknown, where: string): KafkaFault | null {
  if (!tls) return null
  for (let link = error; link instanceof Error; link = link.cause as unknown) {
    const alert = /alert ((?:bad |unknown |unsupported )?(?:certificate(?: \w+)?|ca)|handshake failure|access denied)\b/i.exec(link.message)?.[1]
    if (alert === undefined) continue
    const shown = describeCertificate(tls.certFile, Date.now())
    const what = `the broker refused this client's certificate (TLS alert "${alert}"): ${shown}`
    return new KafkaFault('tls', `${where}: ${what}; check tls.certFile and the authorities that the brokers trust`, { cause: error })
  }
  return null
}
