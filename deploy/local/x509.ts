import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

/** A certificate with its key, both PEM (PKCS #8), as Kafka, Redis and Node read them. */
export interface Issued {
  readonly certificate: string
  readonly key: string
}

export interface Authority extends Issued {
  issue(request: CertificateRequest): Issued
}

export interface CertificateRequest {
  /** As people write it, the most special part first: `CN=reeve,O=House`. */
  readonly subject: string
  /** From the moment of issue; negative: expired so long ago. Default one day. */
  readonly validForMs?: number
  /** Names and addresses of a server. */
  readonly hosts?: readonly string[]
}

const DAY_MS = 86_400_000

/** A certificate authority in memory, for tests: X.509 v3 (RFC 5280), P-256 and ECDSA with SHA-256. */
export function newAuthority(subject: string): Authority {
  const keys = newKeys()
  const certificate = certificateOf({
    subject,
    issuer: subject,
    publicKey: keys.publicKey,
    signer: keys.privateKey,
    validForMs: 3_650 * DAY_MS,
    authority: true
  })
  return {
    certificate,
    key: pem(keys.privateKey),
    issue({ subject: own, validForMs = DAY_MS, hosts = [] }) {
      const { publicKey, privateKey } = newKeys()
      return { certificate: certificateOf({ subject: own, issuer: subject, publicKey, signer: keys.privateKey, validForMs, hosts }), key: pem(privateKey) }
    }
  }
}

interface Contents {
  readonly subject: string
  readonly issuer: string
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly validForMs: number
  readonly hosts?: readonly string[]
  readonly authority?: boolean
}

function certificateOf({ subject, issuer, publicKey, signer, validForMs, hosts = [], authority = false }: Contents): string {
  const now = Date.now()
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const serial = randomBytes(9)
  serial[0] = 1
  const extensions = [
    ...(authority ? [extension('2.5.29.19', sequence(der(0x01, Buffer.from([0xff]))))] : []),
    ...(hosts.length > 0 ? [extension('2.5.29.17', sequence(...hosts.map(alternativeName)))] : [])
  ]
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    distinguishedName(issuer),
    // A day before now, or before the end: clocks differ.
    sequence(time(now + Math.min(0, validForMs) - DAY_MS), time(now + validForMs)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : [])
  )
  const signature = sign('sha256', body, signer)
  const whole = sequence(body, algorithm, der(0x03, Buffer.from([0]), signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Tag, length and value of the distinguished encoding rules (X.690). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts)
  const { length } = value
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), value])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const base128 = (value: number): number[] => {
    const digits = [value & 0x7f]
    for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    return digits
  }
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

const attributes: Readonly<Record<string, string>> = { CN: '2.5.4.3', O: '2.5.4.10', OU: '2.5.4.11' }

/** RFC 4514 writes the sequence backwards. */
function distinguishedName(text: string): Buffer {
  const parts = text.split(',').map(part => part.split('='))
  return sequence(...parts.reverse().map(([name = '', value = '']) => der(0x31, sequence(oid(attributes[name]!), der(0x0c, Buffer.from(value))))))
}

function alternativeName(host: string): Buffer {
  return /^[\d.]+$/.test(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host))
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value))
}

function time(atMs: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(atMs).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`))
}
