import { z } from 'zod'
import { mistakeAt, mistakesOf, type Mistake } from './mistakes.ts'
import { parseYaml } from './source.ts'

export type LoadedPolicy =
  | { readonly is: 'policy'; readonly policy: unknown }
  /** A whole configuration, to be read as one. */
  | { readonly is: 'configuration' }
  | { readonly is: 'wrong'; readonly mistakes: readonly Mistake[] }

/** One agent's policy, the block that stands under `agents.<name>.policy`, in a file of its own. All mistakes at once. */
export function parsePolicy(text: string, schema: z.ZodType): LoadedPolicy {
  const parsed = parseYaml(text)
  if (!parsed.ok) return { is: 'wrong', mistakes: parsed.mistakes.map(({ message, place }) => mistakeAt([], message, place)) }
  const { source } = parsed
  const tree = source.tree ?? {}
  if (typeof tree === 'object' && ['version', 'cluster', 'clusters', 'agents'].some(key => Object.hasOwn(tree, key))) return { is: 'configuration' }
  const result = schema.safeParse(tree)
  if (result.success) return { is: 'policy', policy: result.data }
  return { is: 'wrong', mistakes: mistakesOf(result.error.issues, source, tree, [], z.toJSONSchema(schema, { io: 'input' })) }
}
