import { globSync } from 'node:fs'
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { output } from '../local/commands.ts'
import { checkout, localFolder } from '../local/folders.ts'

interface Manifest {
  readonly version: string
  readonly license: string
  readonly dependencies: Readonly<Record<string, string>>
}

/**
 * Compiles the SDK as ES modules and as CommonJS, each with its types, into a folder that npm can pack. It appears by a rename, so never in part.
 * Resolves with the folder. Throws with the compiler's words.
 */
export async function buildSdk(folder = join(localFolder, 'sdk')): Promise<string> {
  const unfinished = `${folder}.${process.pid}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  const compiler = join(checkout, 'node_modules/.bin/tsc')
  const compile = (config: string, to: string) => output([compiler, '-p', join(checkout, 'deploy/sdk', config), '--outDir', join(unfinished, to)])
  await Promise.all([compile('tsconfig.json', 'esm'), compile('tsconfig.commonjs.json', 'cjs')])

  // The compiler writes .js into programs, and leaves .ts in declarations, which older compilers do not follow.
  for (const file of globSync('**/*.d.ts', { cwd: unfinished })) {
    const text = await readFile(join(unfinished, file), 'utf8')
    await writeFile(join(unfinished, file), text.replaceAll(/(['"]\.{1,2}\/[^'"]+)\.ts(['"])/g, '$1.js$2'))
  }
  await writeFile(join(unfinished, 'cjs/package.json'), '{ "type": "commonjs" }\n')

  const root = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as Manifest
  const own = JSON.parse(await readFile(join(checkout, 'deploy/sdk/package.json'), 'utf8')) as object
  const { version, license } = root
  const manifest = { ...own, version, license, dependencies: await dependenciesOf(join(unfinished, 'esm'), root) }
  await writeFile(join(unfinished, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  await cp(join(checkout, 'shared/sdk/README.md'), join(unfinished, 'README.md'))
  await cp(join(checkout, 'LICENSE'), join(unfinished, 'LICENSE'))

  await mkdir(localFolder, { recursive: true })
  await rm(folder, { recursive: true, force: true })
  await rename(unfinished, folder)
  return folder
}

/** What the compiled program imports, at the exact versions that it was tested with. Throws on what package.json does not name. */
async function dependenciesOf(folder: string, root: Manifest): Promise<Record<string, string>> {
  const names = new Set<string>()
  for (const file of globSync('**/*.js', { cwd: folder })) {
    const text = await readFile(join(folder, file), 'utf8')
    for (const [, specifier = ''] of text.matchAll(/^(?:import|export)\b(?:[^'"=;]*\bfrom)?\s*['"]([^'"]+)['"]/gm)) {
      if (!/^(?:\.|node:)/.test(specifier)) names.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0])
    }
  }
  return Object.fromEntries(
    [...names].toSorted().map(name => {
      const version = root.dependencies[name]
      if (version === undefined) throw new Error(`the SDK imports ${name}, which package.json does not name among its dependencies`)
      return [name, version]
    })
  )
}
