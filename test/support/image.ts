import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, matchesGlob } from 'node:path'
import { checkout } from '#deploy/local/folders.ts'

/** What deploy/Dockerfile would put into the image, in a folder: no engine is needed. */
export interface Image {
  readonly entry: string
  readonly healthCheck: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  remove(): void
}

/** Reads the Dockerfile's last stage: what it copies, as .dockerignore lets it through. The dependencies are this checkout's own. */
export function unpackImage(): Image {
  const text = readFileSync(join(checkout, 'deploy/Dockerfile'), 'utf8').replaceAll('\\\n', ' ')
  const last = text.slice(text.lastIndexOf('\nFROM ')).split('\n')
  const held = readFileSync(join(checkout, '.dockerignore'), 'utf8')
    .split('\n')
    .filter(line => line.startsWith('**/'))
  const folder = mkdtempSync(join(tmpdir(), 'reeve-image-'))
  for (const line of last.filter(each => /^COPY (?!--from)/.test(each))) {
    const [, ...words] = line.split(' ')
    for (const source of words.slice(0, -1)) {
      const isFolder = !source.includes('.') && source !== 'LICENSE'
      cpSync(join(checkout, source), join(folder, isFolder ? words.at(-1)! : source), {
        recursive: true,
        filter: file => !held.some(glob => matchesGlob(file.slice(checkout.length), glob))
      })
    }
  }
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'))
  const health = /CMD (\[.*\])/.exec(last.find(line => line.startsWith('HEALTHCHECK '))!)![1]!
  const variables = last.filter(line => line.startsWith('ENV ')).map(line => /^ENV (\w+)=(.*)$/.exec(line)!.slice(1) as [string, string])
  return {
    entry: join(folder, 'agents/main.ts'),
    healthCheck: JSON.parse(health) as string[],
    environment: Object.fromEntries(variables),
    remove: () => rmSync(folder, { recursive: true })
  }
}
