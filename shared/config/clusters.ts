import { mistakeIn, type Mistake } from './mistakes.ts'
import type { Path } from './path.ts'
import type { Source } from './source.ts'

type Block = Readonly<Record<string, unknown>>

/** What belongs to the process and not to a cluster: it stands at the top of the file alone. */
export const ofTheProcess = ['version', 'http', 'log', 'clusters']

/**
 * Several clusters from one file: what stands under `clusters.NAME` is laid over the rest, blocks key by key, lists and values whole. Each
 * source that comes back is an ordinary configuration that knows where its values stand in the file. Without `clusters` the file is
 * one cluster's.
 */
export function clusterSources(source: Source): (Source | { readonly mistakes: readonly Mistake[] })[] {
  const { tree } = source
  if (!isBlock(tree) || !('clusters' in tree)) return [source]
  const { clusters, ...common } = tree
  if (!isBlock(clusters) || Object.keys(clusters).length === 0)
    return [{ mistakes: [mistakeIn(source, ['clusters'], 'expected a block with a name for each cluster')] }]
  return Object.entries(clusters).map(([name, own]) => {
    if (!isBlock(own)) return { mistakes: [mistakeIn(source, ['clusters', name], 'expected a block such as `cluster: { brokers: […] }`')] }
    const misplaced = ofTheProcess.filter(key => key in own)
    if (misplaced.length > 0)
      return { mistakes: misplaced.map(key => mistakeIn(source, ['clusters', name, key], 'belongs to the process: expected it at the top of the file')) }
    const inFile = (path: Path): Path => (standsIn(own, path) ? ['clusters', name, ...path] : path)
    return { tree: withName(laidOver(own, common), name), inFile, place: path => source.place(inFile(path)) }
  })
}

function withName(tree: Block, name: string): Block {
  const cluster = tree['cluster'] ?? {}
  return isBlock(cluster) ? { ...tree, cluster: { ...cluster, name } } : tree
}

function laidOver(over: Block, under: Block): Block {
  const keys = Object.keys({ ...under, ...over })
  return Object.fromEntries(
    keys.map(key => {
      const [above, below] = [over, under].map(block => (Object.hasOwn(block, key) ? block[key] : undefined))
      return [key, isBlock(above) && isBlock(below) ? laidOver(above, below) : Object.hasOwn(over, key) ? above : below]
    })
  )
}

/** Whether the value at a path, or the block that lacks it, comes from this part of the file. */
function standsIn(own: Block, path: Path): boolean {
  let here: unknown = own
  for (const [index, part] of path.entries()) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, part)) return index > 0 && index === path.length - 1
    here = (here as Record<string | number, unknown>)[part]
  }
  return path.length > 0
}

function isBlock(value: unknown): value is Block {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
