import { accessSync, constants, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { toConfig, type Config } from './config.ts'
import { freshText } from '../credentials/fresh.ts'
import { clusterSources } from './clusters.ts'
import { substitute } from './environment.ts'
import { mistakeAt, mistakeIn, mistakesOf, type Mistake } from './mistakes.ts'
import { valueAt, withValueAt, type Path } from './path.ts'
import { follow } from './following.ts'
import { configSchema, type PolicySchema } from './schema.ts'
import { parseYaml, type Source } from './source.ts'

/** One configuration a cluster, in the order of the file. */
export type Loaded = { readonly ok: true; readonly configs: readonly [Config, ...Config[]] } | { readonly ok: false; readonly mistakes: readonly Mistake[] }

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
  const schema = configSchema(agents)
  const parts = clusterSources(source).map(part => ('mistakes' in part ? part : parseCluster(schema, part, folder, env)))
  const oneOfSeveral = parts.length > 1
  const configs = parts.flatMap(part => ('config' in part ? [{ ...part.config, cluster: { ...part.config.cluster, oneOfSeveral } }] : []))
  const mistakes = parts.flatMap(part => ('mistakes' in part ? part.mistakes : []))
  // What stands at the top of the file is wrong for every cluster, and said once.
  const once = mistakes.filter((one, index) => mistakes.findIndex(({ path, message }) => path === one.path && message === one.message) === index)
  const [first, ...others] = configs
  return once.length > 0 || !first ? { ok: false, mistakes: once } : { ok: true, configs: [first, ...others] }
}

type One = { readonly config: Config } | { readonly mistakes: readonly Mistake[] }

function parseCluster(schema: ReturnType<typeof configSchema>, source: Source, folder: string, env: LoadOptions['env']): One {
  const { value, from, following, mistakes: unset } = substitute(source.tree, env, name => freshText(resolve(folder, name)))
  const { tree, result } = parseTyped(schema, value, from)
  const wrong = result.success ? [] : mistakesOf(result.error.issues, source, tree, from, z.toJSONSchema(schema, { io: 'input' }))
  const missing = unset.map(({ path, message }) => mistakeIn(source, path, message))
  // What an unset variable left empty is not a second mistake.
  const mistakes = [...missing, ...wrong.filter(({ path }) => !missing.some(other => path === other.path || other.path.startsWith(`${path}[`)))]
  if (mistakes.length > 0 || !result.success) return { mistakes }
  const fixed = following.flatMap(({ path, text }) => {
    const usable = (next: string) => schema.safeParse(withValueAt(tree, path, next)).success
    return follow(result.data, path, text, usable) ? [] : [mistakeIn(source, path, 'only a secret is read from a file, again and again: expected ${NAME}')]
  })
  return fixed.length > 0 ? { mistakes: fixed } : withFiles(toConfig(result.data), folder, source)
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
function withFiles(config: Config, folder: string, source: Source): One {
  const mistakes: Mistake[] = []
  let found = config
  for (const section of [['cluster'], ['redis'], ['http'], ...Object.keys(config.agents).map(name => ['agents', name])]) {
    for (const [key, name] of Object.entries((valueAt(config, [...section, 'tls']) ?? {}) as Readonly<Record<string, string | undefined>>)) {
      if (!key.endsWith('File') || name === undefined) continue
      const path = [...section, 'tls', key]
      const file = resolve(folder, name)
      found = withValueAt(found, path, file) as Config
      try {
        accessSync(file, constants.R_OK)
      } catch (error) {
        mistakes.push(mistakeIn(source, path, `the file cannot be read: ${(error as NodeJS.ErrnoException).code}`))
      }
    }
  }
  return mistakes.length > 0 ? { mistakes } : { config: found }
}
