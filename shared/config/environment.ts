import type { Path } from './path.ts'

export interface Substituted {
  readonly value: unknown
  /** Where a value came from the environment: it must not be shown. */
  readonly from: readonly Path[]
  readonly mistakes: readonly { readonly path: Path; readonly message: string }[]
}

const reference = /\$\$|\$\{([^}]*)(\}?)|\$(?=$|[^${])/g
const form = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every string of a tree; the default holds where the variable is unset or empty. `$$` is a
 * single `$`. Keys are left alone. Pure: the environment is given.
 */
export function substitute(tree: unknown, environment: Readonly<Record<string, string | undefined>>): Substituted {
  const from: Path[] = []
  const mistakes: { path: Path; message: string }[] = []

  function replace(text: string, path: Path): string {
    let touched = false
    const replaced = text.replace(reference, (whole, inner: string | undefined, end: string | undefined) => {
      if (whole === '$$' || whole === '$') return '$'
      const match = end ? form.exec(inner!) : null
      if (!match) {
        mistakes.push({ path, message: 'expected ${NAME} or ${NAME:-default}; write $$ for a plain $' })
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
    return replaced
  }

  function walk(value: unknown, path: Path): unknown {
    if (typeof value === 'string') return value.includes('$') ? replace(value, path) : value
    if (Array.isArray(value)) return value.map((item, index) => walk(item, [...path, index]))
    if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])]))
    return value
  }

  return { value: walk(tree, []), from, mistakes }
}
