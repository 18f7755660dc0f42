import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { answers, output } from './commands.ts'
import { checkout, localFolder } from './folders.ts'

export interface Libraries {
  /** Folder of the brokers' jars. */
  readonly kafkaLibs: string
  /** Folder of the jars of Kafka's tools and their clients: the same one where a version is published with them. */
  readonly toolsLibs: string
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

/** Kafka's tools stand in of this version where its brokers are published without: 4.4.0 is. */
const STANDBY_TOOLS_VERSION = '4.3.1'
const toolsVersionFile = 'tools-version'

/** A version of Kafka that Maven Central does not have, or that is none. */
export class NoSuchKafka extends Error {
  constructor(kafkaVersion: string) {
    super(`KAFKA_VERSION ${JSON.stringify(kafkaVersion)}: Maven Central has no such Kafka; expected a released version, for example 4.1.1`)
  }
}

/** Throws NoSuchKafka for what is no version at all, before it becomes part of a path or a command. */
export function checkKafkaVersion(kafkaVersion: string): string {
  if (!/^\d{1,3}(\.\d{1,3}){2,3}$/.test(kafkaVersion)) throw new NoSuchKafka(kafkaVersion)
  return kafkaVersion
}

/** Brings Kafka's jars and a redis-server, by Maven, once a version. They appear by a rename, so never in part. Throws NoSuchKafka. */
export async function ensureLibraries(kafkaVersion: string, log: (line: string) => void): Promise<Libraries> {
  const folder = librariesFolder(kafkaVersion)
  if (!existsSync(folder)) {
    log(`bringing Kafka ${kafkaVersion} into .local`)
    const unfinished = `${folder}.${process.pid}.unfinished`
    await mkdir(localFolder, { recursive: true })
    await maven(kafkaVersion, kafkaVersion, unfinished).catch(async (error: unknown) => {
      const missing = missingArtifacts(String(error))
      if (missing.includes(`kafka_2.13:jar:${kafkaVersion}`)) throw new NoSuchKafka(kafkaVersion)
      if (!missing.some(artifact => artifact.startsWith('kafka-tools'))) throw error
      log(`Kafka ${kafkaVersion} is published without its tools: those of ${STANDBY_TOOLS_VERSION} stand in`)
      await maven(kafkaVersion, STANDBY_TOOLS_VERSION, unfinished)
      await writeFile(join(unfinished, toolsVersionFile), STANDBY_TOOLS_VERSION)
    })
    await rename(unfinished, folder).catch(async (error: unknown) => {
      await rm(unfinished, { recursive: true, force: true })
      if (!existsSync(folder)) throw error
    })
  }
  const kafkaLibs = join(folder, 'libs')
  const standby = await readFile(join(folder, toolsVersionFile), 'utf8').catch(() => null)
  // Tools of one version do not run with the clients of another.
  const toolsLibs = standby === null ? kafkaLibs : (await ensureLibraries(standby, log)).kafkaLibs
  return { kafkaLibs, toolsLibs, redisServer: await redisServer(join(folder, 'redis')) }
}

async function maven(kafkaVersion: string, toolsVersion: string, folder: string): Promise<void> {
  const properties = [`-Dkafka.version=${kafkaVersion}`, `-Dkafka.tools.version=${toolsVersion}`, `-Dlibraries.folder=${folder}`]
  await output(['mvn', '-B', '-q', '-f', join(checkout, 'deploy/local/pom.xml'), ...properties, 'generate-resources'])
}

/** Artifacts of Kafka, as `name:jar:version`, that Maven says it could not find; none where it failed for another reason, for example without a network. */
export function missingArtifacts(words: string): string[] {
  if (!/Could not find artifact|was not found in/.test(words)) return []
  const [, list = ''] = /following artifacts could not be resolved: (.*)/.exec(words) ?? []
  return [...list.matchAll(/org\.apache\.kafka:([\w.-]+:jar:[\w.-]+?)(?=[,: )]|$)/g)].map(([, artifact = '']) => artifact)
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
