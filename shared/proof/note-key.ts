import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { strictBase64 } from './hash.ts'
import { ProofError } from './proof-error.ts'

/** Signs notes under one name with one key. Small, so that a key may also lie where nobody can read it. */
export interface Signer {
  /** Name of the key: a schema-less URL such as `audit.example.com/production`; no space, no plus. */
  readonly name: string
  /** The key that verifies, as text (C2SP signed-note, "Verifier keys"). */
  readonly vkey: string
  /** Ed25519 (RFC 8032) over exactly these bytes: 64 bytes, the same ones each time. */
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** What checks the signatures of one key. */
export interface Verifier {
  readonly name: string
  /** The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key), big-endian. */
  readonly id: number
  readonly vkey: string
  verify(message: Uint8Array, signature: Uint8Array): boolean
}

const ed25519Type = 0x01
const keyBytes = 32
// The DER of an Ed25519 key in front of its 32 bytes (RFC 8410 sections 4 and 7).
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Whether it may name a key or a log: not empty, well-formed, without spaces, control characters and plus. */
export function isKeyName(name: string): boolean {
  return /^[^\p{White_Space}\p{Cc}+]{1,1000}$/u.test(name) && name.isWellFormed()
}

/** Reads `<name>+<id in hex>+<base64 of 0x01 and the public key>`. Throws ProofError. */
export function parseVerifier(vkey: string): Verifier {
  const [name = '', id = '', key = '', ...more] = vkey.split('+')
  // Base64 may hold a plus itself.
  const bytes = strictBase64([key, ...more].join('+'))
  if (!isKeyName(name) || !/^[0-9a-f]{8}$/.test(id) || !bytes) throw new ProofError('expected a verifier key such as example.com/log+530d903a+AekyeRrm…')
  if (bytes[0] !== ed25519Type || bytes.length !== 1 + keyBytes) throw new ProofError(`the verifier key of ${name} is not of the type Ed25519 (0x01, 32 bytes)`)
  if (keyId(name, bytes) !== Number.parseInt(id, 16)) throw new ProofError(`the verifier key of ${name} does not have the id ${id}: it was altered`)
  const publicKey = createPublicKey({ key: Buffer.concat([spkiHead, bytes.subarray(1)]), format: 'der', type: 'spki' })
  return { name, id: keyId(name, bytes), vkey, verify: (message, signature) => verify(null, message, publicKey, signature) }
}

/**
 * Reads a private key of Go's note package, `PRIVATE+KEY+<name>+<id>+<base64 of 0x01 and the seed>`, or an Ed25519 key as PEM (PKCS #8),
 * which holds no name. No error shows a part of the key. Throws ProofError.
 */
export function parseSigner(text: string, nameOfPem?: string): Signer {
  const trimmed = text.trim()
  if (trimmed.startsWith('-----BEGIN ')) {
    if (nameOfPem === undefined) throw new ProofError('a private key as PEM needs a name beside it')
    return signerOf(
      nameOfPem,
      ed25519Of(() => createPrivateKey(trimmed))
    )
  }
  const [first, second, name = '', id = '', key = '', ...more] = trimmed.split('+')
  const bytes = strictBase64([key, ...more].join('+'))
  if (first !== 'PRIVATE' || second !== 'KEY' || !isKeyName(name) || !/^[0-9a-f]{8}$/.test(id) || !bytes)
    throw new ProofError('expected a private key: PRIVATE+KEY+<name>+<id>+<base64>, or PEM')
  if (bytes[0] !== ed25519Type || bytes.length !== 1 + keyBytes) throw new ProofError(`the private key of ${name} is not of the type Ed25519 (0x01, 32 bytes)`)
  const signer = signerOf(
    name,
    ed25519Of(() => createPrivateKey({ key: Buffer.concat([pkcs8Head, bytes.subarray(1)]), format: 'der', type: 'pkcs8' }))
  )
  if (parseVerifier(signer.vkey).id !== Number.parseInt(id, 16)) throw new ProofError(`the private key of ${name} does not have the id ${id}`)
  if (nameOfPem !== undefined && nameOfPem !== name) throw new ProofError(`the private key is the one of ${name}, not of ${nameOfPem}`)
  return signer
}

/** The text form of Go's note package of an Ed25519 key under a name. */
export function formatSigner(name: string, privateKey: KeyObject): string {
  const { vkey } = signerOf(
    name,
    ed25519Of(() => privateKey)
  )
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-keyBytes)
  return `PRIVATE+KEY+${name}+${vkey.split('+')[1]!}+${Buffer.concat([Buffer.from([ed25519Type]), seed]).toString('base64')}`
}

function signerOf(name: string, privateKey: KeyObject): Signer {
  if (!isKeyName(name)) throw new ProofError('the name of a key must not be empty and must hold no space, no control character and no plus')
  const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-keyBytes)
  const bytes = Buffer.concat([Buffer.from([ed25519Type]), publicKey])
  const vkey = `${name}+${keyId(name, bytes).toString(16).padStart(8, '0')}+${bytes.toString('base64')}`
  return { name, vkey, sign: message => sign(null, message, privateKey) }
}

function ed25519Of(read: () => KeyObject): KeyObject {
  let key: KeyObject
  try {
    key = read()
  } catch {
    // Node's error may quote what it read.
    throw new ProofError('the private key cannot be read: expected an Ed25519 key as PEM (PKCS #8), not encrypted')
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new ProofError(`expected a key of the type ed25519, not ${key.asymmetricKeyType ?? 'a secret'}`)
  return key
}

function keyId(name: string, typeAndKey: Uint8Array): number {
  return createHash('sha256').update(name).update('\n').update(typeAndKey).digest().readUInt32BE()
}
