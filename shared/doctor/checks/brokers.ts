import { aclsFor, doctorRights } from '../../engine/rights.ts'
import { addAcls, setAtStart, setBrokers } from '../commands.ts'
import { existing, type Facts, known, type Settings } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'

const finding = inArea('brokers')
const hourMs = 3_600_000
/** A member that died counts as one until its session ends, and a pause waits for its word. */
const longestSessionMs = 60_000

/** The settings of the brokers that Reeve's work, or the safety of what it remembers, rests on. */
export function brokerFindings(facts: Facts): Finding[] {
  const settings = known(facts.settings)
  if (settings === null || settings.size === 0) return [unknown(facts), ...internalTopics(facts)]
  const found = [...partlySeen(facts, settings), ...differing(settings), ...values(facts, [...settings.values()][0]!), ...internalTopics(facts)]
  return [...found, finding('ok', 'settings-read', `the settings of ${counted(settings.size, 'broker')} were read`)]
}

function unknown({ config, principals, settings }: Facts): Finding {
  const engine = principals.find(({ roles }) => roles.includes('engine'))
  const rights = doctorRights.filter(({ resource }) => resource === 'cluster')
  return finding(
    'unknown',
    'settings-unknown',
    `the settings of the brokers could not be read${'why' in settings ? `: ${settings.why}` : ''}`,
    'Reeve runs without; what depends on them (re-election, in-sync replicas, expiry of offsets, automatic topics) is not known here.',
    engine ? addAcls(config.cluster.brokers, aclsFor(rights, engine.principal)) : []
  )
}

function partlySeen({ view }: Facts, settings: ReadonlyMap<number, Settings>): Finding[] {
  const silent = (known(view)?.brokers ?? []).filter(({ id }) => !settings.has(id))
  if (silent.length === 0) return []
  return [
    finding(
      'unknown',
      'settings-unknown',
      `the settings of ${listed(silent.map(({ id }) => `broker ${id}`))} could not be read`,
      'What follows is from the other brokers.'
    )
  ]
}

/** Brokers that are set differently behave differently after each change of a leader. */
function differing(settings: ReadonlyMap<number, Settings>): Finding[] {
  const names = [
    'broker.session.timeout.ms',
    'replica.lag.time.max.ms',
    'auto.create.topics.enable',
    'unclean.leader.election.enable',
    'min.insync.replicas',
    'offsets.retention.minutes'
  ]
  const different = names.filter(name => new Set([...settings.values()].map(broker => broker.get(name)?.value)).size > 1)
  if (different.length === 0) return []
  const of = (name: string) => [...settings].map(([id, broker]) => `${broker.get(name)?.value} on ${id}`).join(', ')
  return [
    finding(
      'warning',
      'settings-differ',
      `the brokers differ: ${different.map(name => `${name} is ${of(name)}`).join('; ')}`,
      'What happens depends on which of them leads or controls.'
    )
  ]
}

function values(facts: Facts, settings: Settings): Finding[] {
  const { brokers } = facts.config.cluster
  const value = (name: string) => settings.get(name)?.value ?? null
  const number = (name: string) => (value(name) === null ? null : Number(value(name)))
  const view = known(facts.view)
  const count = view?.brokers.length ?? 0
  const found: Finding[] = []

  if (value('auto.create.topics.enable') === 'true') {
    const missing = [...existing(facts).values()].some(exists => exists !== true)
    found.push(
      finding(
        missing ? 'warning' : 'note',
        'auto-create',
        'auto.create.topics.enable is true',
        missing
          ? 'A consumer with the SDK that starts before Reeve could make a topic of Reeve with the wrong settings.'
          : "A misspelt name makes a topic that nobody owns. Reeve's own topics exist already.",
        setAtStart({ 'auto.create.topics.enable': 'false' })
      )
    )
  }
  if (value('unclean.leader.election.enable') === 'true')
    found.push(
      finding(
        'warning',
        'unclean-election',
        'unclean.leader.election.enable is true',
        "A replica that was behind may lead: acknowledged records are gone, and offsets mean other records. Reeve's own topics say false for themselves.",
        setBrokers(brokers, { 'unclean.leader.election.enable': 'false' })
      )
    )
  const replication = number('default.replication.factor')
  if (replication !== null && replication < Math.min(3, count))
    found.push(
      finding(
        'warning',
        'replication-default',
        `default.replication.factor is ${replication} on ${counted(count, 'broker')}`,
        'Topics made without a word about it are lost, or cannot be written, with one broker.',
        setAtStart({ 'default.replication.factor': String(Math.min(3, count)) })
      )
    )
  const inSync = number('min.insync.replicas')
  if (inSync !== null && count >= 3 && inSync < 2)
    found.push(
      finding(
        'warning',
        'min-isr-default',
        `min.insync.replicas is ${inSync}`,
        'acks=all is then one copy: a disk that dies takes acknowledged records with it.',
        setBrokers(brokers, { 'min.insync.replicas': '2' })
      )
    )
  const retention = number('offsets.retention.minutes')
  if (retention !== null && retention * 60_000 < 24 * hourMs)
    found.push(
      finding(
        'warning',
        'offsets-expire',
        `offsets.retention.minutes is ${retention}: a group without members loses its positions after ${(retention / 60).toFixed(1)} h`,
        "A pause by the SDK keeps the members and so the positions; one whose members stop as well would start at its consumers' auto.offset.reset.",
        setAtStart({ 'offsets.retention.minutes': '10080' })
      )
    )
  const session = number('group.consumer.session.timeout.ms')
  if (session !== null && session > longestSessionMs)
    found.push(
      finding(
        'warning',
        'session-long',
        `group.consumer.session.timeout.ms is ${session}: a consumer that died counts as a member for ${Math.round(session / 1000)} s`,
        'A pause must be acknowledged by every member (verifyWithin, 60 s by default), so it would be taken back.',
        setBrokers(brokers, { 'group.consumer.session.timeout.ms': '45000' })
      )
    )
  if (value('log.cleaner.enable') === 'false')
    found.push(
      finding(
        'warning',
        'cleaner-off',
        'log.cleaner.enable is false',
        "Compacted topics only grow, Reeve's state and every group's positions among them.",
        setAtStart({ 'log.cleaner.enable': 'true' })
      )
    )
  const largest = number('message.max.bytes')
  if (largest !== null && largest < 1_000_000)
    found.push(
      finding(
        'warning',
        'messages-small',
        `message.max.bytes is ${largest}`,
        'A scan of a large cluster is written in records of up to 1 MB.',
        setBrokers(brokers, { 'message.max.bytes': '1048588' })
      )
    )
  return found
}

/** What Kafka itself remembers: positions of groups, and the fence of Reeve's writers. */
function internalTopics({ view, config }: Facts): Finding[] {
  const seen = known(view)
  if (seen === null) return []
  const expected = Math.min(3, seen.brokers.length)
  return ['__consumer_offsets', '__transaction_state'].flatMap(name => {
    const topic = seen.topics.get(name)
    if (!topic) return []
    const replicas = Math.min(...topic.partitions.map(partition => partition.replicas))
    if (replicas >= expected) return []
    return [
      finding(
        'warning',
        'internal-replication',
        `${name} has ${counted(replicas, 'replica')} on ${counted(seen.brokers.length, 'broker')}`,
        name === '__consumer_offsets'
          ? 'With that broker the positions of its groups are lost: they start again, or skip.'
          : 'With that broker down nobody can commit a transaction, Reeve neither.',
        `kafka-reassign-partitions --bootstrap-server ${config.cluster.brokers.join(',')} --command-config admin.properties --generate --topics-to-move-json-file … (with ${expected} replicas for each partition)`
      )
    ]
  })
}
