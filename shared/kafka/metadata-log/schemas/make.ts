// Writes records.ts and harmless-configs.ts from the jars of the releases: node shared/kafka/metadata-log/schemas/make.ts
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unionOf } from './from-kafka.ts'
import { type Configs, configReleases, configTypes, metadataJar, releases, schemasOf } from './releases.ts'

const first = releases[0]
const last = releases[releases.length - 1]
const licence = '(Apache License 2.0). Written by make.ts: do not edit.'

function found<T>(what: T | undefined, release: string): T {
  if (what === undefined)
    throw new Error(
      `Kafka ${release} is not here: mvn dependency:get -Dtransitive=false -Dartifact=org.apache.kafka:kafka-metadata:${release}, or KAFKA_VERSION=${release} node deploy/local/up.ts`
    )
  return what
}

function write(name: string, lines: readonly string[]): void {
  const file = join(import.meta.dirname, name)
  writeFileSync(file, `${lines.join('\n')}\n`)
  execFileSync(join(import.meta.dirname, '../../../../node_modules/.bin/oxfmt'), [file])
}

const records = unionOf(await Promise.all(releases.map(async release => schemasOf(found(metadataJar(release), release)))))
write('records.ts', [
  "import type { RecordSchema } from './schema.ts'",
  '',
  `/** Every metadata record of Apache Kafka ${first} to ${last}, from common/metadata/*.json of its kafka-metadata jars ${licence} */`,
  'export const metadataRecords = {',
  [...records].map(([name, schema]) => `${name}: ${JSON.stringify(schema)}`).join(',\n'),
  '} as const satisfies Readonly<Record<string, RecordSchema>>'
])

const configs: Configs[] = []
for (const release of configReleases) configs.push(found(await configTypes(release), release))
/** An address may hold a password, although Kafka says that it is none. */
const mayHold = (name: string, type: string): boolean => type === 'PASSWORD' || name.endsWith('.url')
write('harmless-configs.ts', [
  `/** Configs that hold no secret, by resource: those that no release types PASSWORD, and no addresses. From the config definitions of Apache Kafka ${configReleases.join(', ')} ${licence} */`,
  'export const harmlessConfigs = {',
  (['broker', 'topic', 'group', 'client-metrics'] as const)
    .map(resource => {
      const types = configs.flatMap(each => [...each[resource]])
      const secret = new Set(types.filter(([name, type]) => mayHold(name, type)).map(([name]) => name))
      const names = [...new Set(types.map(([name]) => name))].filter(name => !secret.has(name)).sort()
      return `${JSON.stringify(resource)}: ${JSON.stringify(names)}`
    })
    .join(',\n'),
  '} as const'
])
