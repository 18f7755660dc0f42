import type { TopicView } from '../../domain/cluster-view.ts'
import { doctorRights, aclsFor } from '../../engine/rights.ts'
import type { TopicSettings } from '../../kafka/ports.ts'
import { addAcls, createTopic, reassign, setTopic } from '../commands.ts'
import { existing, type Facts, known, type Settings } from '../facts.ts'
import { type Finding, inArea, listed, type Severity } from '../finding.ts'
import { heldRights } from '../held.ts'

const finding = inArea('topics')

/** Whether Reeve's own topics exist and are what they must be. */
export function topicFindings(facts: Facts): Finding[] {
  const exists = existing(facts)
  const missing = facts.wanted.filter(({ name }) => exists.get(name) === false)
  const unsure = facts.wanted.filter(({ name }) => exists.get(name) === 'unknown')
  const view = known(facts.view)
  const settings = known(facts.topicSettings)
  const found = [
    ...absent(facts, missing),
    ...(unsure.length > 0
      ? [
          finding(
            'unknown',
            'topics-unknown',
            `whether ${listed(unsure.map(({ name }) => name))} exist is not known`,
            'No principal of Reeve may describe them, or no broker answers.'
          )
        ]
      : []),
    ...facts.wanted.flatMap(wanted =>
      exists.get(wanted.name) === true ? ofTopic(facts, wanted, view?.topics.get(wanted.name) ?? null, settings?.get(wanted.name) ?? null) : []
    )
  ]
  const unseen = facts.wanted.filter(({ name }) => exists.get(name) === true && !settings?.has(name))
  if (unseen.length > 0) found.push(settingsUnknown(facts, unseen))
  return found.length > 0 ? found : [finding('ok', 'topics-right', `the ${facts.wanted.length} topics of Reeve exist and are what they should be`)]
}

function absent(facts: Facts, missing: readonly TopicSettings[]): Finding[] {
  if (missing.length === 0) return []
  const names = listed(
    missing.map(({ name }) => name),
    6
  )
  const engine = facts.principals.find(({ roles }) => roles.includes('engine'))
  const create = engine && heldRights(engine, known(facts.acls)).find(({ right }) => right.operation === 'create')?.held
  if (create === true) return [finding('note', 'topics-missing', `${names}: not there yet`, 'The first `reeve run` makes them.')]
  const { brokers } = facts.config.cluster
  return [
    finding(
      create === false ? 'error' : 'unknown',
      'topics-missing',
      `${names}: missing, and ${create === false ? 'the engine may not create them' : 'whether the engine may create them is not known'}`,
      'Without them nothing is remembered, so nothing runs. Grant CREATE, or make them:',
      missing.map(topic => createTopic(brokers, topic))
    )
  ]
}

interface Difference {
  readonly setting: string
  readonly severity: Severity
  readonly found: string
  readonly expected: string
  readonly why: string
}

function ofTopic(facts: Facts, wanted: TopicSettings, view: TopicView | null, settings: Settings | null): Finding[] {
  const { brokers } = facts.config.cluster
  return [...shape(facts, wanted, view), ...(settings === null ? [] : configured(brokers, wanted, differences(wanted, settings)))]
}

/** What no setting changes: partitions and replicas. */
function shape(facts: Facts, wanted: TopicSettings, view: TopicView | null): Finding[] {
  if (view === null) return []
  const replicas = Math.min(...view.partitions.map(partition => partition.replicas))
  const found: Finding[] = []
  if (view.partitions.length !== wanted.partitions)
    found.push(
      finding(
        'error',
        'topic-partitions',
        `${wanted.name} has ${view.partitions.length} partitions, expected ${wanted.partitions}`,
        'Reeve reads and writes partition 0 alone: whatever another client puts elsewhere is not seen, and an order is promised within one partition only.',
        'stop Reeve, delete the topic and let `reeve run` make it; what it held is lost, so give everything back first: reeve release --all'
      )
    )
  const expected = wanted.replicationFactor ?? 1
  if (replicas < expected) {
    const ids = known(facts.view)!.brokers.map(({ id }) => id)
    found.push(
      finding(
        'warning',
        'topic-replication',
        `${wanted.name} has ${replicas === 1 ? '1 replica' : `${replicas} replicas`}, expected ${expected}`,
        `With one broker lost ${replicas === 1 ? 'it is gone, and what Reeve remembers with it' : 'it cannot be written'}.`,
        reassign(facts.config.cluster.brokers, wanted.name, view.partitions.length, ids.slice(0, expected))
      )
    )
  }
  return found
}

function configured(brokers: readonly string[], { name }: TopicSettings, different: readonly Difference[]): Finding[] {
  if (different.length === 0) return []
  return [
    finding(
      different.some(({ severity }) => severity === 'error') ? 'error' : 'warning',
      'topic-settings',
      `${name}: ${different.map(({ setting, found, expected }) => `${setting} is ${found}, expected ${expected}`).join('; ')}`,
      [...new Set(different.map(({ why }) => why))],
      setTopic(brokers, name, Object.fromEntries(different.map(({ setting, expected }) => [setting, expected])))
    )
  ]
}

/** What must hold of each setting; those of compaction are a matter of size alone and are left to whoever changed them. */
const rules: Readonly<Record<string, { severity: Severity; fits: (found: string, expected: string) => boolean; why: string }>> = {
  'cleanup.policy': {
    severity: 'error',
    fits: (found, expected) => setOf(found) === setOf(expected),
    why: 'Deletion takes away what Reeve still needs: open intents, pauses in force; compaction takes away history that explain and replay need.'
  },
  'retention.ms': {
    severity: 'warning',
    fits: (found, expected) => found === '-1' || Number(found) >= Number(expected),
    why: 'History ends sooner than explain, replay and simulate reach.'
  },
  'retention.bytes': { severity: 'warning', fits: found => found === '-1', why: 'A busy hour would shorten the history.' },
  'min.insync.replicas': {
    severity: 'warning',
    fits: (found, expected) => Number(found) === Number(expected),
    why: 'Fewer, and an acknowledged intent can be lost with a broker; more, and one broker down stops Reeve.'
  },
  'unclean.leader.election.enable': {
    severity: 'warning',
    fits: (found, expected) => found === expected,
    why: 'A leader that was behind could take over: acknowledged intents would be gone.'
  },
  'message.timestamp.type': {
    severity: 'error',
    fits: (found, expected) => found === expected,
    why: "The broker's own time of an append is the third clock, and what a lease and a pause are judged by; a writer's clock could lie."
  }
}

function differences({ configs = {} }: TopicSettings, settings: Settings): Difference[] {
  const expectations = { ...configs, ...(configs['cleanup.policy'] === 'delete' ? { 'retention.bytes': '-1' } : {}) }
  return Object.entries(expectations).flatMap(([setting, expected]) => {
    const rule = rules[setting]
    const found = settings.get(setting)?.value
    if (!rule || found == null || rule.fits(found, expected)) return []
    return [{ setting, severity: rule.severity, found, expected, why: rule.why }]
  })
}

function settingsUnknown({ config, principals, topicSettings }: Facts, unseen: readonly TopicSettings[]): Finding {
  const engine = principals.find(({ roles }) => roles.includes('engine'))
  return finding(
    'unknown',
    'topic-settings-unknown',
    `the settings of ${listed(unseen.map(({ name }) => name))} could not be read${'why' in topicSettings ? `: ${topicSettings.why}` : ''}`,
    'Whether they are compacted, kept long enough and stamped by the broker is not known.',
    engine
      ? addAcls(
          config.cluster.brokers,
          aclsFor(
            doctorRights.filter(({ resource }) => resource === 'topic'),
            engine.principal,
            config.topics.prefix
          )
        )
      : []
  )
}

function setOf(list: string): string {
  return list
    .split(',')
    .map(word => word.trim())
    .sort()
    .join()
}
