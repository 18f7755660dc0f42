import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

export interface Import {
  readonly from: string
  /** A file of this repository, or the name of a package or built-in module. */
  readonly to: string
  readonly typeOnly: boolean
}

const aliases: Record<string, string> = { '#shared/': 'shared/', '#agents/': 'agents/', '#test/': 'test/', '#deploy/': 'deploy/' }
const statement = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** Every import of every TypeScript file below the folders, resolved. Throws on one that leads nowhere. */
export function importsBelow(root: string, folders: readonly string[]): Import[] {
  return folders
    .flatMap(folder => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .flatMap(file => {
      const text = readFileSync(join(root, file), 'utf8')
      return [...text.matchAll(statement)].map(([, typeOnly, named, dynamic]): Import => ({
        from: normalize(file),
        to: resolve(root, file, (named ?? dynamic)!),
        typeOnly: typeOnly !== undefined
      }))
    })
}

function resolve(root: string, from: string, specifier: string): string {
  const alias = Object.keys(aliases).find(prefix => specifier.startsWith(prefix))
  if (!alias && !specifier.startsWith('.'))
    return specifier.startsWith('node:')
      ? specifier
      : specifier
          .split('/')
          .slice(0, specifier.startsWith('@') ? 2 : 1)
          .join('/')
  const path = alias ? join(aliases[alias]!, specifier.slice(alias.length)) : join(dirname(from), specifier)
  if (!existsSync(join(root, path))) throw new Error(`${from} imports ${specifier}, which is not there`)
  return normalize(path)
}

/** Everything that a file reaches at run time; types are gone by then. */
export function reachableFrom(file: string, imports: readonly Import[]): Set<string> {
  const reached = new Set<string>()
  const queue = [file]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const { from, to, typeOnly } of imports) {
      if (from !== next || typeOnly || reached.has(to)) continue
      reached.add(to)
      queue.push(to)
    }
  }
  return reached
}
