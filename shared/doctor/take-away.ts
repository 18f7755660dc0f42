import type { AclEntry } from '../kafka/ports.ts'
import { addAcls, removeAcls } from './commands.ts'

/** One resource, and what may not be done to it. */
export interface Closed {
  readonly resourceType: AclEntry['resourceType']
  readonly name: string
  readonly operations: readonly string[]
}

/** An entry for just that is taken away; a wider one stays for what else it allows, and this is denied to whom it is for. */
export function takeAway(brokers: readonly string[], { resourceType, name, operations }: Closed, entries: readonly AclEntry[]): string[] {
  const exact = entries.filter(entry => entry.resourceName === name && entry.pattern === 'literal' && operations.includes(entry.operation))
  const wider = entries.filter(entry => !exact.includes(entry) && entry.principal !== 'User:*')
  const denials = wider.flatMap(({ principal, operation: allowed }) =>
    (operations.includes(allowed) ? [allowed] : operations).map((operation): AclEntry => ({
      resourceType,
      resourceName: name,
      pattern: 'literal',
      principal,
      host: '*',
      operation,
      permission: 'deny'
    }))
  )
  return [
    ...removeAcls(brokers, exact),
    ...addAcls(brokers, denials),
    ...(exact.length + wider.length < entries.length
      ? [`narrow the entries of User:* that cover ${resourceType} ${name}: a denial for everybody would shut out Reeve too`]
      : [])
  ]
}
