import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { answers, output } from './commands.ts'
import { checkout, localFolder } from './folders.ts'

export interface Libraries {
  /** Folder of Kafka's jars. */
  readonly kafkaLibs: string
  readonly redisServer: string
}

/** Why Kafka cannot run as local processes here; undefined when it can. Needs Java 17 or later, and Maven unless the jars are there already. */
export async function whyNotLocal(kafkaVersion: string): Promise<string | undefined> {
  const java = await output(['java', '--version']).catch(() => '')
  const major = Number(/ (\d+)[.\d]* /.exec(java)?.[1] ?? 0)
  if (major < 17) return java === '' ? 'java is not on the PATH' : `java is version ${major}`
  if (existsSync(librariesFolder(kafkaVersion)) || (await answers(['mvn', '--version']))) return undefined
  return 'mvn (Maven) is not on the PATH'
}

/** Brings Kafka's jars and a redis-server, by Maven, once a version. They appear by a rename, so never in part. */
export async function ensureLibraries(kafkaVersion: string, log: (line: string) => void): Promise<Libraries> {
  const folder = librariesFolder(kafkaVersion)
  if (!existsSync(folder)) {
    log(`bringing Kafka ${kafkaVersion} into .local`)
    const unfinished = `${folder}.${process.pid}.unfinished`
    await mkdir(localFolder, { recursive: true })
    await output([
      'mvn',
      '-B',
      '-q',
      '-f',
      join(checkout, 'deploy/local/pom.xml'),
      `-Dkafka.version=${kafkaVersion}`,
      `-Dlibraries.folder=${unfinished}`,
      'generate-resources'
    ])
    await rename(unfinished, folder).catch(async (error: unknown) => {
      await rm(unfinished, { recursive: true, force: true })
      if (!existsSync(folder)) throw error
    })
  }
  return { kafkaLibs: join(folder, 'libs'), redisServer: await redisServer(join(folder, 'redis')) }
}

function librariesFolder(kafkaVersion: string): string {
  return join(localFolder, `kafka-${kafkaVersion}`)
}

/** The redis-server of the PATH from 6.2 on, else the one that Maven brought. */
async function redisServer(folder: string): Promise<string> {
  const installed = await output(['redis-server', '--version']).catch(() => '')
  if (redisIsNewEnough(installed)) return 'redis-server'
  const suffix = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const file = (await readdir(folder)).find(name => name.endsWith(suffix))
  if (!file) throw new Error(`no redis-server for ${suffix}: install Redis 6.2 or later, so that redis-server is on the PATH`)
  const program = join(folder, file)
  await chmod(program, 0o755)
  if (!(await answers([program, '--version'])))
    throw new Error('the redis-server that Maven brought does not run here (it needs OpenSSL 3): install Redis 6.2 or later')
  return program
}

/** Reads `redis-server --version`: `Redis server v=7.0.15 sha=…`. */
export function redisIsNewEnough(version: string): boolean {
  const [, major, minor] = /v=(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) > 6 || (Number(major) === 6 && Number(minor) >= 2)
}
