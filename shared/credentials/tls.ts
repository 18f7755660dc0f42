import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { fresh } from './fresh.ts'

/** PEM files: the authorities to trust in place of Node's, and a certificate of one's own with its key. */
export interface TlsFiles {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
}

/** Options of tls.connect that are looked up at each connection: drivers copy them when they connect. */
export interface FreshTls {
  readonly secureContext: SecureContext
}

/**
 * TLS from files that may be replaced while the program runs: every new connection takes what they hold then. While they do not fit
 * together, as between the writing of a certificate and of its key, the last that did is used. Throws where they never did.
 */
export function freshTls(files: TlsFiles): FreshTls {
  const names = (['caFile', 'certFile', 'keyFile'] as const).filter(name => files[name] !== undefined)
  const context = fresh(
    names.map(name => files[name]!),
    contents => {
      const pem = Object.fromEntries(names.map((name, index) => [name, contents[index]]))
      try {
        return createSecureContext({ ca: pem['caFile'], cert: pem['certFile'], key: pem['keyFile'] })
      } catch (error) {
        throw new Error(`${names.map(name => files[name]).join(', ')}: no PEM files that fit together (${codeOf(error)})`, { cause: error })
      }
    }
  )
  context()
  return {
    get secureContext() {
      return context()
    }
  }
}

/** One clause for an error about the certificate that `certFile` holds now: whose it is, who signed it, and until when it holds. */
export function describeCertificate(certFile: string | undefined, nowMs: number): string {
  if (certFile === undefined) return 'this client shows none'
  try {
    const { subject, issuer, validToDate } = fresh([certFile], ([pem]) => new X509Certificate(pem!))()
    const until = `${validToDate.getTime() < nowMs ? 'EXPIRED at' : 'valid until'} ${validToDate.toISOString()}`
    return `this client shows ${nameOf(subject)}, signed by ${nameOf(issuer)}, ${until}`
  } catch (error) {
    return `the one of this client cannot be read (${error instanceof Error ? error.message : String(error)})`
  }
}

/** RFC 4514: the most special part first. */
function nameOf(lines: string): string {
  return lines.split('\n').reverse().join(',')
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error)
}
