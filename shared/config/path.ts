/** Where a value sits in the tree. */
export type Path = readonly (string | number)[]

/** `a.b[2].c`; a key with odd characters is quoted: `owners["a.b"]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(part)) return `${text}[${JSON.stringify(part)}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

/** The value at a path; undefined where there is none. */
export function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      value !== null && typeof value === 'object' && Object.hasOwn(value, part) ? (value as Record<string | number, unknown>)[part] : undefined,
    tree
  )
}

/** A copy of the tree with one value replaced. */
export function withValueAt(tree: unknown, path: Path, value: unknown): unknown {
  const [part, ...rest] = path
  if (part === undefined) return value
  if (Array.isArray(tree)) return tree.map((item, index) => (index === part ? withValueAt(item, rest, value) : item))
  return { ...(tree as object), [part]: withValueAt((tree as Record<string | number, unknown>)[part], rest, value) }
}
