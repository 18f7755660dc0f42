import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate that signs time stamps, beside its key. */
export interface StampingCertificate {
  readonly name: string
  /** Its `extendedKeyUsage`. */
  readonly usage?: string
  readonly key?: 'rsa' | 'ec'
  /** Signed by a second certificate, which the authority signed. */
  readonly intermediate?: boolean
  /** Of the hash by which it is named among what is signed; `sha1` is the old form of RFC 2634. */
  readonly essAlgorithm?: string
}

/** A time-stamp authority by the openssl program, in a folder of its own, behind HTTP on this machine. */
export interface TimeStampAuthority {
  readonly url: string
  /** PEM of the root that signed it. */
  readonly caFile: string
  /** What the next answers are made with. */
  use(name: string): void
  /** Alters the next answers; null: as they are. */
  alter(how: ((answer: Buffer, query: Buffer) => { status?: number; body: Buffer }) | null): void
  /** A query as openssl makes it. */
  query(message: Uint8Array, digest: string): Buffer
  /** Of one query, as the server gives it. */
  reply(query: Uint8Array): Buffer
  /** A token over what another one stamps, as `openssl cms` signs it with any certificate; `names`: with its hash among what is signed. */
  signAnew(token: Uint8Array, certificate: string, names: boolean): Buffer
  /** What `openssl ts -verify` says of a token over a message. */
  verify(token: Uint8Array, message: Uint8Array): string
  close(): Promise<void>
}

/** Starts one with the certificates; the first is used. Throws where openssl is missing. */
export async function startTimeStampAuthority(certificates: readonly StampingCertificate[]): Promise<TimeStampAuthority> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-tsa-'))
  const file = (name: string) => join(folder, name)
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  const issue = (name: string, issuer: string | null, extensions: readonly string[], kind: 'rsa' | 'ec' = 'ec') => {
    const key = kind === 'ec' ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] : ['-newkey', 'rsa:2048']
    const by = issuer === null ? [] : ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`]
    const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`, '-config', 'tsa.cnf']
    openssl('req', '-x509', ...key, '-nodes', '-days', '2', '-subj', `/CN=${name}`, ...extensions.flatMap(each => ['-addext', each]), ...by, ...files)
  }
  const authority = ['basicConstraints = critical, CA:TRUE', 'keyUsage = critical, keyCertSign']
  writeFileSync(file('tsa.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n')
  issue('root', null, authority)
  issue('intermediate', 'root', authority)
  writeFileSync(file('serial'), '01')
  for (const { name, usage = 'critical, timeStamping', key, intermediate = false, essAlgorithm = 'sha256' } of certificates) {
    issue(name, intermediate ? 'intermediate' : 'root', [`extendedKeyUsage = ${usage}`], key)
    const section = [
      'serial = serial',
      `signer_cert = ${name}.pem`,
      `signer_key = ${name}.key`,
      ...(intermediate ? ['certs = intermediate.pem'] : []),
      'signer_digest = sha256',
      'default_policy = 1.2.3.4.1',
      'digests = sha256, sha512',
      `ess_cert_id_alg = ${essAlgorithm}`
    ]
    writeFileSync(file(`${name}.cnf`), `[req]\ndistinguished_name = dn\n[dn]\n[tsa]\ndefault_tsa = own\n[own]\n${section.join('\n')}\n`)
  }
  let used = certificates[0]!.name
  let altered: ((answer: Buffer, query: Buffer) => { status?: number; body: Buffer }) | null = null
  const reply = (query: Uint8Array) => {
    writeFileSync(file('query.tsq'), query)
    openssl('ts', '-reply', '-config', `${used}.cnf`, '-queryfile', 'query.tsq', '-out', 'reply.tsr')
    return readFileSync(file('reply.tsr'))
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const query = Buffer.concat(chunks)
      const good = request.method === 'POST' && request.headers['content-type'] === 'application/timestamp-query'
      const answer = good ? reply(query) : Buffer.alloc(0)
      const { status = good ? 200 : 400, body } = altered?.(answer, query) ?? { body: answer }
      response.writeHead(status, { 'content-type': 'application/timestamp-reply' }).end(body)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    caFile: file('root.pem'),
    use: name => void (used = name),
    alter: how => void (altered = how),
    query(message, digest) {
      writeFileSync(file('message'), message)
      openssl('ts', '-query', '-data', 'message', `-${digest}`, '-cert', '-out', 'own.tsq')
      return readFileSync(file('own.tsq'))
    },
    reply,
    signAnew(token, certificate, names) {
      writeFileSync(file('token'), token)
      openssl('cms', '-verify', '-noverify', '-nosigs', '-inform', 'DER', '-in', 'token', '-binary', '-out', 'info')
      const how = ['-binary', '-nodetach', '-econtent_type', '1.2.840.113549.1.9.16.1.4', ...(names ? ['-cades'] : [])]
      openssl('cms', '-sign', '-in', 'info', '-signer', `${certificate}.pem`, '-inkey', `${certificate}.key`, ...how, '-outform', 'DER', '-out', 'anew')
      return readFileSync(file('anew'))
    },
    verify(token, message) {
      writeFileSync(file('token'), token)
      writeFileSync(file('message'), message)
      return openssl('ts', '-verify', '-in', 'token', '-token_in', '-data', 'message', '-CAfile', 'root.pem').toString()
    },
    async close() {
      await new Promise(resolve => server.close(resolve))
      rmSync(folder, { recursive: true })
    }
  }
}
