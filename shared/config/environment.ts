import type { Path } from './path.ts'

export interface Substituted {
  readonly value: unknown
  /** Where a value came from the environment or a file: it must not be shown. */
  readonly from: readonly Path[]
  /** Where a file is in a value, and what the value is now. `text` throws when a file cannot be read now. */
  readonly following: readonly { readonly path: Path; readonly text: () => string }[]
  readonly mistakes: readonly { readonly path: Path; readonly message: string }[]
}

const reference = /\$\$|\$\{([^}]*)(\}?)|\$(?=$|[^${])/g
const form = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every string of a tree; the default holds where the variable is unset or empty.
 * `${file:NAME}` is what the file holds. `$$` is a single `$`. Keys are left alone. Pure: the environment is given, and what reads a file.
 */
export function substitute(
  tree: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  openFile: (name: string) => () => string = name => () => {
    throw new Error(`${name} cannot be read here`)
  }
): Substituted {
  const from: Path[] = []
  const following: { path: Path; text: () => string }[] = []
  const mistakes: { path: Path; message: string }[] = []
  const files = new Map<string, () => string>()

  function replace(text: string, path: Path): string {
    let touched = false
    let follows = false
    const replaced = text.replace(reference, (whole, inner: string | undefined, end: string | undefined) => {
      if (whole === '$$' || whole === '$') return '$'
      const match = end ? form.exec(inner!) : null
      const file = match || !end ? undefined : /^file:(.+)$/s.exec(inner!)?.[1]
      if (file !== undefined) {
        touched = true
        follows = true
        return fileText(file, path)
      }
      if (!match) {
        mistakes.push({ path, message: 'expected ${NAME}, ${NAME:-default} or ${file:/path}; write $$ for a plain $' })
        return ''
      }
      touched = true
      const [, name, fallback] = match
      const value = Object.hasOwn(environment, name!) ? environment[name!] : undefined
      if (fallback !== undefined) return value || fallback
      if (value === undefined) mistakes.push({ path, message: `the environment has no variable ${name}` })
      return value ?? ''
    })
    if (touched) from.push(path)
    if (follows) following.push({ path, text: () => now(text) })
    return replaced
  }

  function fileText(name: string, path: Path): string {
    if (!files.has(name)) files.set(name, openFile(name))
    try {
      return files.get(name)!()
    } catch (error) {
      mistakes.push({ path, message: `the file ${(error as Error).message}` })
      return ''
    }
  }

  /** The same text once more, which had no mistake. */
  function now(text: string): string {
    return text.replace(reference, (whole, inner: string | undefined) => {
      if (whole === '$$' || whole === '$') return '$'
      const [, name, fallback] = form.exec(inner!) ?? []
      if (name === undefined) return files.get(inner!.slice('file:'.length))!()
      return environment[name] || (fallback ?? '')
    })
  }

  function walk(value: unknown, path: Path): unknown {
    if (typeof value === 'string') return value.includes('$') ? replace(value, path) : value
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]))
    if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])]))
    return value
  }

  return { value: walk(tree, []), from, following, mistakes }
}
