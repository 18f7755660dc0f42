import { isMembers } from './json.ts'
import { wordOf } from './rows.ts'

export interface Difference {
  readonly name: string
  readonly before: string
  readonly after: string
  readonly changed: boolean
}

/** What was and what is, member by member; null where there is nothing to compare. `—` stands for a member that is not there. */
export function differencesOf(before: unknown, after: unknown): Difference[] | null {
  if ((before === null || before === undefined) && (after === null || after === undefined)) return null
  const [was, is] = [before, after].map(value => (isMembers(value) ? value : value === null || value === undefined ? {} : { value }))
  const names = [...new Set([...Object.keys(was!), ...Object.keys(is!)])]
  const told = (value: unknown): string => (value === undefined ? '—' : value === null ? 'none' : wordOf(value))
  return names.map(name => {
    const [one, other] = [told(was![name]), told(is![name])]
    return { name, before: one, after: other, changed: one !== other }
  })
}
