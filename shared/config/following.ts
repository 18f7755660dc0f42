import { usableText } from '../credentials/fresh.ts'
import { type Path, pathText, valueAt } from './path.ts'
import { Secret } from './secret.ts'

/**
 * Lets the secret at a path of a parsed tree follow its text. A new text that is not `usable` there leaves the old one in use, and that is
 * told. False where no secret is.
 */
export function follow(parsed: unknown, path: Path, text: () => string, usable: (next: string) => boolean): boolean {
  const first = text()
  const beside = valueAt(parsed, path.slice(0, -1))
  // A list may have lost its empty items.
  const secret = [valueAt(parsed, path), ...(Array.isArray(beside) ? (beside as unknown[]) : [])].find(
    (value): value is Secret => value instanceof Secret && value.isFixed && value.reveal() === first
  )
  secret?.follow(usableText(pathText(path), first, text, usable))
  return secret !== undefined
}
