import { accessSync, constants, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { toConfig, type Config } from './config.ts'
import { substitute } from './environment.ts'
import { mistakeAt, mistakesOf, type Mistake } from './mistakes.ts'
import { valueAt, withValueAt, type Path } from './path.ts'
import { configSchema, type PolicySchema } from './schema.ts'
import { parseYaml, type Source } from './source.ts'

export type Loaded = { readonly ok: true; readonly config: Config } | { readonly ok: false; readonly mistakes: readonly Mistake[] }

export interface LoadOptions {
  readonly file: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly agents: readonly PolicySchema[]
}

/** Reads the one YAML file. Every mistake comes at once with its path and line; throws nothing for what a file can hold. */
export function loadConfig({ file, env, agents }: LoadOptions): Loaded {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return { ok: false, mistakes: [mistakeAt([], `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`, null)] }
  }
  return parseConfig({ text, folder: dirname(resolve(file)), env, agents })
}

/** The same for a text; `folder` is what relative file names in it start from. */
export function parseConfig({ text, folder, env, agents }: { text: string; folder: string } & Omit<LoadOptions, 'file'>): Loaded {
  const parsed = parseYaml(text)
  if (!parsed.ok) return { ok: false, mistakes: parsed.mistakes.map(({ message, place }) => mistakeAt([], message, place)) }
  const { source } = parsed
  const version = valueAt(source.tree, ['version'])
  // Another version's file would only give mistakes that are none.
  if (version !== undefined && version !== 1)
    return {
      ok: false,
      mistakes: [mistakeAt(['version'], `expected 1, the version that this release reads, found ${JSON.stringify(version)}`, source.place(['version']))]
    }
  const { value, from, mistakes: unset } = substitute(source.tree, env)
  const schema = configSchema(agents)
  const { tree, result } = parseTyped(schema, value, from)
  const wrong = result.success ? [] : mistakesOf(result.error.issues, source, tree, from, z.toJSONSchema(schema, { io: 'input' }))
  const missing = unset.map(({ path, message }) => mistakeAt(path, message, source.place(path)))
  // What an unset variable left empty is not a second mistake.
  const mistakes = [...missing, ...wrong.filter(({ path }) => !missing.some(other => path === other.path || other.path.startsWith(`${path}[`)))]
  if (mistakes.length > 0 || !result.success) return { ok: false, mistakes }
  return withFiles(toConfig(result.data), folder, source)
}

/** The environment holds only text: where a number or a yes/no was expected at such a place, the text is read as one. */
function parseTyped<T extends z.ZodType>(schema: T, given: unknown, from: readonly Path[]): { tree: unknown; result: z.ZodSafeParseResult<z.output<T>> } {
  let tree = given
  for (const path of from) {
    const text = valueAt(tree, path)
    const literal =
      typeof text === 'string' && /^(?:-?\d{1,15}(?:\.\d{1,15})?|true|false)$/.test(text)
        ? (JSON.parse(text.replace(/^(-?)0+(?=\d)/, '$1')) as unknown)
        : undefined
    if (literal === undefined) continue
    const issues = schema.safeParse(tree).error?.issues ?? []
    const wanted = issues.some(
      issue => issue.code === 'invalid_type' && ['number', 'int', 'boolean'].includes(issue.expected) && String(issue.path) === String(path)
    )
    if (wanted) tree = withValueAt(tree, path, literal)
  }
  return { tree, result: schema.safeParse(tree) }
}

/** Files that the configuration names, as absolute paths; one that cannot be read is a mistake now and not at the first connection. */
function withFiles(config: Config, folder: string, source: Source): Loaded {
  const { tls } = config.cluster
  if (!tls) return { ok: true, config }
  const mistakes: Mistake[] = []
  const files: Record<string, string> = {}
  for (const key of ['caFile', 'certFile', 'keyFile'] as const) {
    const name = tls[key]
    if (name === undefined) continue
    files[key] = resolve(folder, name)
    try {
      accessSync(files[key], constants.R_OK)
    } catch (error) {
      const path = ['cluster', 'tls', key]
      mistakes.push(mistakeAt(path, `the file cannot be read: ${(error as NodeJS.ErrnoException).code}`, source.place(path)))
    }
  }
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, config: { ...config, cluster: { ...config.cluster, tls: { ...tls, ...files } } } }
}
