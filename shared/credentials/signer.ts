import { generateKeyPairSync } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import type { Secret } from '../config/secret.ts'
import { formatSigner, parseSigner, type Signer } from '../proof/note-key.ts'
import { fresh, usableText } from './fresh.ts'

/**
 * Where a private key comes from: a file, a variable of the environment, or a value of the configuration. It is the text that `newKey`
 * makes, or Ed25519 as PEM, which needs the name.
 */
export type KeySource = ({ readonly file: string } | { readonly env: string } | { readonly secret: Secret }) & { readonly name?: string }

/**
 * The signer of a key, which may be replaced while the program runs: each call gives the one of the key that is there now, and the same
 * object as long as it is. A signer that was given signs on with its own key, so that whoever holds the last one can let both sign a
 * rotation. What is then no key leaves the last one in use, and is told (`onCredentialNews`). Throws where there never was one; no error
 * shows a part of a key.
 */
export function openSigner(source: KeySource, environment: Readonly<Record<string, string | undefined>> = process.env): () => Signer {
  const current = signerFrom(source, environment)
  current()
  return current
}

function signerFrom(source: KeySource, environment: Readonly<Record<string, string | undefined>>): () => Signer {
  const { name } = source
  if ('file' in source) return fresh([source.file], ([content]) => read(content!.toString('utf8'), name, source.file))
  if ('env' in source) {
    const text = environment[source.env]
    if (text === undefined || text === '') throw new Error(`the environment has no variable ${source.env}, which should hold the private key`)
    const signer = read(text, name, `the variable ${source.env}`)
    return () => signer
  }
  const where = 'the private key of the configuration'
  const first = source.secret.reveal()
  const isKey = (text: string) => {
    try {
      read(text, name, where)
      return true
    } catch {
      return false
    }
  }
  const text = usableText(where, first, () => source.secret.reveal(), isKey)
  let held = { text: first, signer: read(first, name, where) }
  return () => {
    const now = text()
    if (held.text !== now) held = { text: now, signer: read(now, name, where) }
    return held.signer
  }
}

function read(text: string, name: string | undefined, where: string): Signer {
  try {
    return parseSigner(text, name)
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error })
  }
}

/** A new Ed25519 key under a name: `skey` is to be kept secret, `vkey` is for everybody who verifies. */
export function newKey(name: string): { readonly skey: string; readonly vkey: string } {
  const skey = formatSigner(name, generateKeyPairSync('ed25519').privateKey)
  return { skey, vkey: parseSigner(skey).vkey }
}

/** Writes a private key to a new file that only its owner may read. Throws where the file is there already: no key is written over. */
export function writeKeyFile(file: string, skey: string): void {
  const handle = openSync(file, 'wx', 0o600)
  try {
    writeSync(handle, `${skey}\n`)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
