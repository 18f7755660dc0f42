// npm run sbom [-- --omit=dev] [-- FILE]: the bill of materials of what package-lock.json installs, as CycloneDX 1.6 JSON.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { output } from './local/commands.ts'
import { checkout, localFolder } from './local/folders.ts'
import { inVersion16, lockedPackages, mistakesOfSbom, type Sbom } from './sbom-document.ts'

/** Made by npm and checked. Throws with everything that is wrong with it. */
export async function makeSbom(options: readonly string[] = []): Promise<Sbom> {
  const [manifest, lock] = await Promise.all(['package.json', 'package-lock.json'].map(name => readFile(join(checkout, name), 'utf8')))
  const { name } = JSON.parse(manifest!) as { name: string }
  const command = ['npm', 'sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only', ...options]
  const bom = inVersion16(await output(command, { cwd: checkout }), name)
  const mistakes = mistakesOfSbom(bom, lockedPackages(lock!))
  if (mistakes.length > 0) throw new Error(`the bill of materials that npm made is wrong:\n${mistakes.join('\n')}`)
  return bom as Sbom
}

if (import.meta.main) {
  const [file = join(localFolder, 'sbom.json')] = process.argv.slice(2).filter(word => !word.startsWith('--'))
  const bom = await makeSbom(process.argv.slice(2).filter(word => word.startsWith('--omit=')))
  const text = `${JSON.stringify(bom, null, 2)}\n`
  if (file === '-') process.stdout.write(text)
  else {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    console.log(`${file}: CycloneDX ${bom.specVersion}, ${bom.components.length} packages, each with licence and hash`)
  }
}
