import type { AclEntry, TopicSettings } from '../kafka/ports.ts'

/** What Kafka's own tools are told of the cluster; an administrator's properties, never a principal of Reeve's. */
function tool(name: string, brokers: readonly string[]): string {
  return `${name} --bootstrap-server ${brokers.join(',')} --command-config admin.properties`
}

/** `kafka-acls --add` for entries of one principal, as few commands as there are resources. */
export function addAcls(brokers: readonly string[], entries: readonly AclEntry[]): string[] {
  return changeAcls(brokers, entries, '--add')
}

/** The same to take entries away, without the question whether one is sure. */
export function removeAcls(brokers: readonly string[], entries: readonly AclEntry[]): string[] {
  return changeAcls(brokers, entries, '--remove --force')
}

function changeAcls(brokers: readonly string[], entries: readonly AclEntry[], change: string): string[] {
  const byResource = Map.groupBy(entries, ({ resourceType, resourceName, pattern, principal, host, permission }) =>
    JSON.stringify([resourceType, resourceName, pattern, principal, host, permission])
  )
  return [...byResource.values()].map(group => {
    const { principal, permission, host, resourceType, resourceName, pattern } = group[0]!
    const operations = [...new Set(group.map(({ operation }) => `--operation ${toolName(operation)}`))].join(' ')
    const resource = resourceType === 'cluster' ? '--cluster' : `--${resourceType} ${quoted(resourceName)}`
    const hosts = host === '*' ? '' : ` --${permission}-host ${quoted(host)}`
    const prefixed = pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : ''
    return `${tool('kafka-acls', brokers)} ${change} --${permission}-principal ${quoted(principal)}${hosts} ${operations} ${resource}${prefixed}`
  })
}

/** `kafka-topics --create` with all settings. */
export function createTopic(brokers: readonly string[], { name, partitions, replicationFactor = 1, configs = {} }: TopicSettings): string {
  const settings = Object.entries(configs).map(([key, value]) => `--config ${key}=${value}`)
  const size = `--partitions ${partitions} --replication-factor ${replicationFactor}`
  return [`${tool('kafka-topics', brokers)} --create --topic ${quoted(name)} ${size}`, ...settings].join(' ')
}

/** Gives every partition of a topic these replicas. */
export function reassign(brokers: readonly string[], topic: string, partitions: number, replicas: readonly number[]): string[] {
  const plan = { version: 1, partitions: Array.from({ length: partitions }, (_, partition) => ({ topic, partition, replicas })) }
  return [
    `echo ${quoted(JSON.stringify(plan))} > replicas.json`,
    `${tool('kafka-reassign-partitions', brokers)} --reassignment-json-file replicas.json --execute`
  ]
}

/** `kafka-configs` for one topic. */
export function setTopic(brokers: readonly string[], topic: string, settings: Readonly<Record<string, string>>): string {
  return `${tool('kafka-configs', brokers)} --alter --entity-type topics --entity-name ${quoted(topic)} --add-config ${quoted(pairs(settings))}`
}

/** `kafka-configs` for all brokers, of settings that need no restart. */
export function setBrokers(brokers: readonly string[], settings: Readonly<Record<string, string>>): string {
  return `${tool('kafka-configs', brokers)} --alter --entity-type brokers --entity-default --add-config ${quoted(pairs(settings))}`
}

/** `kafka-configs` for the level of a logger of one broker, which holds until it is restarted. */
export function setLogger(brokers: readonly string[], broker: number, logger: string, level: string): string {
  return `${tool('kafka-configs', brokers)} --alter --entity-type broker-loggers --entity-name ${broker} --add-config ${logger}=${level}`
}

/** A setting that brokers read at their start only. */
export function setAtStart(settings: Readonly<Record<string, string>>): string {
  return `in server.properties of every broker, then restart one after another: ${pairs(settings, ' and ')}`
}

/** Values with a comma stand in brackets, as kafka-configs wants it. */
function pairs(settings: Readonly<Record<string, string>>, between = ','): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${between === ',' && value.includes(',') ? `[${value}]` : value}`)
    .join(between)
}

/** `describe-configs` → `DescribeConfigs` */
function toolName(operation: string): string {
  return operation.replaceAll(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** For a POSIX shell: names are other people's words. */
export function quoted(text: string): string {
  return /^[A-Za-z0-9_./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** `kafka-features` for one feature. */
export function upgradeFeature(brokers: readonly string[], feature: string, level: number): string {
  return `${tool('kafka-features', brokers)} upgrade --feature ${feature}=${level}`
}
