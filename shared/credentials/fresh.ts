import { channel } from 'node:diagnostics_channel'
import { readFileSync, statSync } from 'node:fs'

/** What happened to a credential that may change: `changed`, the new one is used from now on; `kept`, the old one is, for a reason. */
export interface CredentialNews {
  readonly event: 'changed' | 'kept'
  /** Names of files, or where it stands in the configuration. Never a content. */
  readonly what: string
  readonly reason: string | null
}

const news = channel('reeve:credentials')

/** Says it to whoever hears. */
export function tellCredentialNews(what: string, reason: string | null): void {
  news.publish({ event: reason === null ? 'changed' : 'kept', what, reason } satisfies CredentialNews)
}

/** Calls `hear` for every credential that was read anew or could not be. Returns what stops it. */
export function onCredentialNews(hear: (news: CredentialNews) => void): () => void {
  const listener = (message: unknown) => hear(message as CredentialNews)
  news.subscribe(listener)
  return () => {
    news.unsubscribe(listener)
  }
}

/**
 * A value made of files, made again on the first use after one of them changed (its time, size or inode: a replaced symbolic link is
 * such a change). What is then missing, half written or refused by `make` leaves the old value in use, and is told once. The first use
 * has no old value, and throws one sentence with the file or what `make` said.
 */
export function fresh<T>(files: readonly string[], make: (contents: readonly Buffer[]) => T): () => T {
  let held: { readonly stamp: string; readonly value: T } | null = null
  let told: string | null = null
  return () => {
    try {
      // Looked at before it is read: a change in between is seen by the next use.
      const stamp = files.map(stampOf).join()
      if (held?.stamp !== stamp) {
        const value = make(files.map(contentOf))
        if (held) tellCredentialNews(files.join(', '), null)
        held = { stamp, value }
      }
      told = null
      return held.value
    } catch (error) {
      if (!held) throw error
      const reason = error instanceof Error ? error.message : String(error)
      if (reason !== told) tellCredentialNews(files.join(', '), reason)
      told = reason
      return held.value
    }
  }
}

/** A secret's file: its text without one newline at the end. Empty is no secret. */
export function freshText(file: string): () => string {
  return fresh([file], ([content]) => {
    const text = content!.toString('utf8').replace(/\r?\n$/, '')
    if (text === '') throw new Error(`${file} is empty`)
    return text
  })
}

/** What `read` gives, as long as it is usable; else the last that was, and that is told once. */
export function usableText(what: string, first: string, read: () => string, usable: (text: string) => boolean): () => string {
  let held = first
  let refused: string | null = null
  return () => {
    const next = read()
    if (next === held || next === refused) return held
    if (usable(next)) held = next
    else tellCredentialNews(what, 'the configuration takes no such value there')
    refused = next === held ? null : next
    return held
  }
}

function stampOf(file: string): string {
  const { mtimeNs, size, ino } = readable(file, () => statSync(file, { bigint: true }))
  return `${mtimeNs}/${size}/${ino}`
}

function contentOf(file: string): Buffer {
  return readable(file, () => readFileSync(file))
}

function readable<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`, { cause: error })
  }
}
