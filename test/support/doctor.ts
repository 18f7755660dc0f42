import { stringify } from 'yaml'
import { catalogue, streams } from '#agents/catalogue.ts'
import { rolesOf } from '#shared/cli/doctor.ts'
import { parseConfig } from '#shared/config/load.ts'
import { capabilities, type Capability } from '#shared/doctor/capabilities.ts'
import type { Finding, Severity } from '#shared/doctor/finding.ts'
import type { FindingId } from '#shared/doctor/finding-ids.ts'
import { findings } from '#shared/doctor/findings.ts'
import { gather } from '#shared/doctor/gather/index.ts'
import { provokedIn } from './doctor-provocations.ts'
import type { Parts } from './reeve-process.ts'
import { javaOutput, stack } from './stack.ts'

export interface Examined {
  readonly findings: readonly Finding[]
  readonly capabilities: readonly Capability[]
  /** Ids of what is of this severity, sorted. */
  ids(...severities: readonly Severity[]): string[]
  /** The one finding with this id, whose text holds a word where there are several. Throws where there is none. */
  one(id: FindingId, word?: string): Finding
}

/** What was found so far in this test file. */
const found = new Set<FindingId>()

/** Of the findings that a test file is to provoke, those that no `examine` in it has found yet. */
export function notYetFound(file: string): readonly string[] {
  return Object.entries(provokedIn).flatMap(([id, where]) => (file.endsWith(where) && !found.has(id as FindingId) ? [id] : []))
}

/** `reeve doctor` in this process, without its printing. */
export async function examine(
  content: Parts,
  { sendTest = false, env = {} }: { sendTest?: boolean; env?: Readonly<Record<string, string>> } = {}
): Promise<Examined> {
  const agents = [...catalogue, ...streams].map(({ name, policy }) => ({ name, policySchema: policy }))
  const loaded = parseConfig({ text: stringify(content), folder: '/', env: { TEST_REDIS_URL: stack().redisUrl, ...env }, agents })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  const [config] = loaded.configs
  const facts = await gather(config, rolesOf({ agents: catalogue, streams }, config), { sendTest, streams })
  const all = findings(facts)
  for (const { id } of all) found.add(id)
  return {
    findings: all,
    capabilities: capabilities(facts),
    ids: (...severities) => [...new Set(all.filter(({ severity }) => severities.includes(severity)).map(({ id }) => id))].sort(),
    one(id, word = '') {
      const fits = all.filter(each => each.id === id && JSON.stringify(each).includes(word))
      if (fits.length !== 1) throw new Error(`${fits.length} findings ${id} ${word}, expected one: ${JSON.stringify(all.map(each => each.id))}`)
      return fits[0]!
    }
  }
}

const tools: Readonly<Record<string, string>> = {
  'kafka-acls': 'org.apache.kafka.tools.AclCommand',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand'
}

/** Runs a remedy as it is printed, by Kafka's own tool, as the super user of a plain listener. */
export async function runRemedy(command: string, brokers: readonly string[] = stack().brokers): Promise<string> {
  const [tool = '', ...words] = [...command.matchAll(/'((?:[^']|'\\'')*)'|\S+/g)].map(([word, inner]) => inner?.replaceAll(String.raw`'\''`, "'") ?? word)
  const at = (option: string) => words.indexOf(option)
  words[at('--bootstrap-server') + 1] = brokers.join(',')
  words.splice(at('--command-config'), 2)
  const className = tools[tool]
  if (className === undefined) throw new Error(`${tool}: expected one of ${Object.keys(tools).join(', ')}`)
  return javaOutput(className, words)
}
