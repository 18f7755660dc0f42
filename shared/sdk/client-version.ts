import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** `name/version` of an installed package, as the program that runs finds it; `name/unknown` where that cannot be told. For acks only. */
export function clientVersion(name: string, from: readonly (string | undefined)[] = [process.argv[1], join(process.cwd(), 'x')]): string {
  for (const file of from) {
    try {
      // A package need not export its package.json, so it is looked for above its entry.
      const entry = createRequire(file ?? '').resolve(name)
      const folder = entry.slice(0, entry.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length)
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version?: unknown }
      if (typeof version === 'string') return `${name}/${version}`
    } catch {
      // Bundled, or installed elsewhere: an ack without a version is an ack.
    }
  }
  return `${name}/unknown`
}
