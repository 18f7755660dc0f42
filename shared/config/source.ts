import { isAlias, isMap, isSeq, LineCounter, parseDocument, type Document, type Node, type Scalar } from 'yaml'
import type { Path } from './path.ts'

export interface Place {
  /** From 1. */
  readonly line: number
  readonly column: number
}

export interface Source {
  readonly tree: unknown
  /** The path in the file of a path in `tree`: another one where the tree is one cluster's view of it. */
  inFile(path: Path): Path
  /** Place of the key or item at a path, or of the nearest one above it; null for an empty file. */
  place(path: Path): Place | null
}

export type Parsed =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly mistakes: readonly { readonly message: string; readonly place: Place | null }[] }

const largestBytes = 1_048_576
const deepest = 40

/** Reads YAML 1.2 text: one document, unique keys, aliases bounded. Every mistake of the text comes at once, with its line. */
export function parseYaml(text: string): Parsed {
  if (Buffer.byteLength(text) > largestBytes) return { ok: false, mistakes: [{ message: `the file is larger than ${largestBytes} bytes`, place: null }] }
  try {
    return parse(text)
  } catch (error) {
    // Aliases beyond the bound, or nesting beyond the stack.
    return { ok: false, mistakes: [{ message: `not usable YAML: ${(error as Error).message}`, place: null }] }
  }
}

function parse(text: string): Parsed {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true, strict: true })
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  // One slip of the pen echoes in many errors at the same place.
  const faults = [...document.errors, ...document.warnings].filter(({ pos }, index, all) => all.findIndex(other => other.pos[0] === pos[0]) === index)
  if (faults.length > 0)
    return { ok: false, mistakes: faults.slice(0, 10).map(({ code, message, pos }) => ({ message: describe(code, message), place: place(pos[0]) })) }
  const tree: unknown = document.toJS({ maxAliasCount: 100 })
  if (isDeeperThan(tree, deepest))
    return { ok: false, mistakes: [{ message: `nested deeper than ${deepest} levels, or an anchor that holds itself`, place: null }] }
  return { ok: true, source: { tree, inFile: path => path, place: path => locate(document, path, place) } }
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false
  return levels === 0 || Object.values(value).some(item => isDeeperThan(item, levels - 1))
}

function describe(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key appears twice in the same block'
  if (code === 'MULTIPLE_DOCS') return 'expected one document, found several'
  return `not YAML: ${message}`
}

function locate(document: Document, path: Path, place: (offset: number) => Place): Place | null {
  let node: unknown = document.contents
  let offset = (node as Node | null)?.range?.[0]
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String((key as Scalar).value) === String(part))
      if (!pair) break
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined
      if (!item) break
      offset = item.range?.[0] ?? offset
      node = item
    } else break
  }
  return offset === undefined ? null : place(offset)
}
