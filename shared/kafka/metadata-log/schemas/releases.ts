import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { schemaFromKafka } from './from-kafka.ts'
import { textsInJar } from './jar.ts'
import type { RecordSchema } from './schema.ts'

/** Releases that the tables are made of, oldest first. */
export const releases = ['4.0.0', '4.0.1', '4.0.2', '4.1.0', '4.1.1', '4.2.0', '4.2.1', '4.3.0', '4.3.1', '4.4.0'] as const
/** Those whose definitions of configs are read: of these the local stack has every jar. */
export const configReleases = ['4.1.1', '4.3.1', '4.4.0'] as const

const local = join(import.meta.dirname, '../../../../.local')
const libs = (release: string): string => join(local, `kafka-${release}/libs`)

/** The jar with the schemas: of the local stack, or of Maven's cache; undefined where neither has it. */
export function metadataJar(release: string): string | undefined {
  const name = `kafka-metadata-${release}.jar`
  return [join(libs(release), name), join(homedir(), '.m2/repository/org/apache/kafka/kafka-metadata', release, name)].find(file => existsSync(file))
}

/** The schemas of one release by the name of the record. */
export async function schemasOf(jar: string): Promise<Map<string, RecordSchema>> {
  const texts = await textsInJar(jar, /^common\/metadata\/\w+\.json$/)
  return new Map([...texts.values()].map(schemaFromKafka))
}

export type Configs = Record<'broker' | 'topic' | 'group' | 'client-metrics', Map<string, string>>

/** Kafka's type of every config, by resource; undefined where the jars of that release are not there. */
export async function configTypes(release: string): Promise<Configs | undefined> {
  if (!existsSync(libs(release))) return undefined
  const { stdout } = await promisify(execFile)('java', ['-cp', `${libs(release)}/*`, join(import.meta.dirname, 'ConfigNames.java')])
  const configs: Configs = { broker: new Map(), topic: new Map(), group: new Map(), 'client-metrics': new Map() }
  for (const line of stdout.trim().split('\n')) {
    const [resource = '', name = '', type = ''] = line.split(' ')
    configs[resource as keyof Configs].set(name, type)
  }
  return configs
}
