import { z } from 'zod'
import { Secret } from './secret.ts'

/** Globs over names: `*` is any run of characters, `?` is one. */
export const globs = z.array(z.string().min(1, { error: 'expected a name or a glob such as payments-*' }))

/** A value that is never shown; a `Secret` once parsed. */
export const secret = z
  .string({ error: 'expected a string' })
  .min(1, { error: 'expected a value that is not empty', abort: true })
  .transform(text => new Secret(text))

/** The same where an empty one means none; null then. */
export const optionalSecret = z.string({ error: 'expected a string' }).transform(text => (text === '' ? null : new Secret(text)))

/** https, and http for this machine alone. */
export function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname } = new URL(text)
  return protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname))
}

/** A whole number within bounds. */
export function whole(least: number, most: number) {
  const error = `expected a whole number from ${least} to ${most}`
  return z.int({ error }).min(least, { error }).max(most, { error })
}

/** A moment, ISO 8601 with a zone; epoch milliseconds once parsed. */
export const moment = z.iso.datetime({ offset: true, error: 'expected a moment such as 2026-12-24T00:00:00Z', abort: true }).transform(text => Date.parse(text))
