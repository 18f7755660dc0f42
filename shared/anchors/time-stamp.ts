import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { fromBER, Integer, ObjectIdentifier, OctetString, Sequence } from 'asn1js'
import * as pkijs from 'pkijs'
import { AnchorError } from './anchor.ts'

/** What a time-stamp authority vouches for. */
export interface TimeStamp {
  /** When the bytes existed, epoch milliseconds. */
  readonly atMs: number
  /** Who says so: the subject of its certificate. */
  readonly authority: string
  /** Under which policy, an object identifier. */
  readonly policy: string
  readonly serial: string
}

const oids = {
  sha256: '2.16.840.1.101.3.4.2.1',
  tstInfo: '1.2.840.113549.1.9.16.1.4',
  extendedKeyUsage: '2.5.29.37',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47'
}
const hashNames: Readonly<Record<string, string>> = {
  [oids.sha256]: 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512'
}
/** By their numbers: RFC 3161 section 2.4.2. */
const statuses = ['granted', 'granted with modifications', 'rejected', 'waiting', 'revocation warning', 'revoked']

/** A request for a token over the SHA-256 of some bytes (RFC 3161 section 2.4.1), with a nonce, asking for the certificate. */
export function timeStampRequest(message: Uint8Array): { readonly request: Uint8Array; readonly nonce: Uint8Array } {
  const nonce = randomBytes(16)
  // Positive, and without a leading zero: as it comes back.
  nonce[0] = (nonce[0]! & 0x7f) | 0x40
  const request = new pkijs.TimeStampReq({
    version: 1,
    messageImprint: new pkijs.MessageImprint({
      hashAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: oids.sha256 }),
      hashedMessage: new OctetString({ valueHex: bufferOf(createHash('sha256').update(message).digest()) })
    }),
    nonce: new Integer({ valueHex: bufferOf(nonce) }),
    certReq: true
  })
  return { request: new Uint8Array(request.toSchema().toBER()), nonce }
}

/** The token in an answer (RFC 3161 section 2.4.2), as it came. Throws AnchorError where the answer is another or none. */
export function tokenOf(answer: Uint8Array): Uint8Array {
  const { status, token } = parsed('the answer', () => {
    const asn1 = fromBER(bufferOf(answer))
    const response = pkijs.TimeStampResp.fromBER(bufferOf(answer))
    return { status: response.status.status, token: (asn1.result as Sequence).valueBlock.value[1] }
  })
  const { granted, grantedWithMods, waiting } = pkijs.PKIStatus
  if (![granted, grantedWithMods].includes(status) || !token)
    throw new AnchorError(`the authority granted no time stamp: ${statuses[status] ?? `status ${status}`}`, status === waiting)
  return new Uint8Array(token.valueBeforeDecodeView)
}

/**
 * Checks a token (RFC 3161, RFC 5816) over some bytes: the SHA-256 of them, the nonce where it is known, the one signature, that it names
 * its certificate, that this one is for time stamps alone, and its chain up to one of the authorities (PEM) at the time that is stamped.
 * Revocation is not asked for. Throws AnchorError.
 */
export async function verifyTimeStamp(token: Uint8Array, message: Uint8Array, authorities: string, nonce?: Uint8Array): Promise<TimeStamp> {
  const { signed, info } = parsed('the token', () => {
    const content = pkijs.ContentInfo.fromBER(bufferOf(token))
    const data = new pkijs.SignedData({ schema: content.content })
    return { signed: data, info: pkijs.TSTInfo.fromBER(data.encapContentInfo.eContent!.getValue()) }
  })
  must(signed.encapContentInfo.eContentType === oids.tstInfo, 'holds no time stamp')
  must(signed.signerInfos.length === 1, 'does not have exactly one signature')
  const { hashAlgorithm, hashedMessage } = info.messageImprint
  must(hashAlgorithm.algorithmId === oids.sha256, 'is over another hash than SHA-256')
  must(same(hashedMessage.valueBlock.valueHexView, createHash('sha256').update(message).digest()), 'is over other bytes')
  if (nonce) must(info.nonce !== undefined && same(info.nonce.valueBlock.valueHexView, nonce), 'does not bear the nonce of this request: it is an old one')
  const certificate = await verifiedSigner(signed, message, authorities)
  const usage = certificate.extensions?.find(({ extnID }) => extnID === oids.extendedKeyUsage)
  const purposes = (usage?.parsedValue as pkijs.ExtKeyUsage | undefined)?.keyPurposes ?? []
  must(usage?.critical === true && purposes.length === 1 && purposes[0] === oids.timeStamping, 'is signed with a certificate that is not for time stamps alone')
  const der = Buffer.from(certificate.toSchema().toBER())
  must(namesItsCertificate(signed.signerInfos[0]!, der), 'does not name the certificate that it is signed with')
  const { subject, validFromDate, validToDate } = new X509Certificate(der)
  const atMs = info.genTime.getTime()
  must(atMs >= validFromDate.getTime() && atMs <= validToDate.getTime(), 'is from a time at which the certificate did not hold')
  const serial = Buffer.from(info.serialNumber.valueBlock.valueHexView).toString('hex')
  return { atMs, authority: subject.split('\n').join(','), policy: info.policy, serial }
}

/** The certificates of a PEM text. Throws AnchorError where there is none. */
export function certificatesOf(pem: string): pkijs.Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  const found = blocks.map(block => parsed('a certificate of an authority', () => pkijs.Certificate.fromBER(bufferOf(new X509Certificate(block).raw))))
  if (found.length === 0) throw new AnchorError('the file of the authorities holds no certificate as PEM', false)
  return found
}

async function verifiedSigner(signed: pkijs.SignedData, message: Uint8Array, authorities: string): Promise<pkijs.Certificate> {
  let signer: pkijs.Certificate | null | undefined
  let valid: boolean | null | undefined
  try {
    const found = await signed.verify({ signer: 0, data: bufferOf(message), trustedCerts: certificatesOf(authorities), checkChain: true, extendedMode: true })
    valid = found.signatureVerified
    signer = found.signerCertificate
  } catch (error) {
    if (error instanceof AnchorError) throw error
    throw new AnchorError(`the token is not vouched for: ${(error as Error).message}`, false, error)
  }
  must(valid === true && signer !== null && signer !== undefined, 'has a wrong signature')
  return signer!
}

/**
 * RFC 5035: the hash of the certificate is among what is signed, so that no other certificate of the same key can take its place. The
 * attribute is a sequence of a sequence of ESSCertID: version 1 is SHA-1 and the hash, version 2 an algorithm (default SHA-256) and the hash.
 */
function namesItsCertificate(signer: pkijs.SignerInfo, der: Uint8Array): boolean {
  const attributes = signer.signedAttrs?.attributes ?? []
  return attributes.some(({ type, values }) => {
    if (type !== oids.signingCertificate && type !== oids.signingCertificateV2) return false
    const parts = childAt(childAt(values[0], 0), 0)
    const algorithm = childAt(childAt(parts, 0), 0)
    const byDefault = type === oids.signingCertificate ? 'sha1' : 'sha256'
    const name = algorithm instanceof ObjectIdentifier ? hashNames[algorithm.getValue()] : byDefault
    const digest = childAt(parts, algorithm === undefined ? 0 : 1)
    return name !== undefined && digest instanceof OctetString && same(digest.valueBlock.valueHexView, createHash(name).update(der).digest())
  })
}

function childAt(block: unknown, index: number): unknown {
  return block instanceof Sequence ? block.valueBlock.value[index] : undefined
}

function must(holds: boolean, message: string): void {
  if (!holds) throw new AnchorError(`the token ${message}`, false)
}

/** The libraries throw what they like at bytes that they do not expect. */
function parsed<T>(what: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new AnchorError(`${what} is none that can be read (RFC 3161)`, false, error)
  }
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
