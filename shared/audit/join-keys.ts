import type { Claim } from './claim.ts'
import type { OpenChange } from './open-change.ts'

/** Where a line is looked for: `type name`, `type` alone where it names nothing, `kind` for rights on the cluster. */
export function keysOfClaim({ changes }: Claim): Set<string> {
  const keys = new Set<string>()
  for (const { resourceType, name, id, kinds } of changes) {
    if (resourceType === null) for (const kind of kinds) keys.add(`kind ${kind}`)
    else if (id !== null) keys.add(`id ${id}`)
    if (resourceType !== null) keys.add(name === null ? resourceType : `${resourceType} ${name}`)
  }
  return keys
}

/** Under any of these a line about the change is found. */
export function keysOfChange({ kind, resourceType, name, id }: OpenChange): string[] {
  return [`kind ${kind}`, resourceType, ...(name === null ? [] : [`${resourceType} ${name}`]), ...(id === null ? [] : [`id ${id}`])]
}

/** Values that are found by any of several keys. */
export class KeyedSets<Value> {
  readonly #byKey = new Map<string, Set<Value>>()

  /** Keys that find something. */
  get size(): number {
    return this.#byKey.size
  }

  add(keys: Iterable<string>, value: Value): void {
    for (const key of keys) {
      const values = this.#byKey.get(key)
      if (values) values.add(value)
      else this.#byKey.set(key, new Set([value]))
    }
  }

  delete(keys: Iterable<string>, value: Value): void {
    for (const key of keys) {
      const values = this.#byKey.get(key)
      values?.delete(value)
      if (values?.size === 0) this.#byKey.delete(key)
    }
  }

  /** Each value once. */
  of(keys: Iterable<string>): Set<Value> {
    const found = new Set<Value>()
    for (const key of keys) for (const value of this.#byKey.get(key) ?? []) found.add(value)
    return found
  }
}
