import type { JsonValue } from '../domain/json.ts'
import type { AclEntry, ConfigValue } from '../kafka/ports.ts'
import { auditTopicSettings } from './topic.ts'

/** What was asked: the answer, or in one sentence why there is none. */
export type Asked<T> = { readonly value: T } | { readonly why: string }

type Settings = ReadonlyMap<string, ConfigValue>

/** Everything that the guard judges; read by guard-facts.ts. */
export interface GuardFacts {
  readonly topic: string
  /** How many partitions the topic should have. */
  readonly partitions: number
  /** The principal that writes, as Kafka names it: `User:reeve-audit`. */
  readonly writer: string
  readonly brokers: number
  /** Null: there is no such topic. */
  readonly found: Asked<{ readonly partitions: number; readonly replicationFactors: readonly number[] } | null>
  readonly topicSettings: Asked<Settings>
  /** Of each broker that listed its settings. */
  readonly brokerSettings: Asked<ReadonlyMap<string, Settings>>
  readonly acls: Asked<readonly AclEntry[]>
}

/** One thing that is not as it should be. `actual` is null where it is not there. */
export interface Drift {
  readonly setting: 'topic' | 'partitions' | 'replication-factor' | `config:${string}`
  readonly expected: string
  readonly actual: string | null
}

/** Somebody whom ACLs let destroy, change or write into the log. */
export interface Power {
  readonly principal: string
  /** For example `DELETE on topic audit.*`. */
  readonly may: readonly string[]
}

export interface GuardReport {
  readonly drift: readonly Drift[]
  /** Who could destroy the log, or make others able to: by ACLs. The writer is among them where it has too much. */
  readonly destroyers: readonly Power[]
  /** Who but the writer may write into it, or take its transactional id over. */
  readonly strangers: readonly Power[]
  /** Super users may do everything. Kafka names them to nobody: `hidden` where the brokers have some, `none` where all say that they have not. */
  readonly superUsers: 'hidden' | 'none' | 'unknown'
  /** Whether everybody may do everything with the topic. */
  readonly open: 'no' | 'yes' | 'unknown'
  readonly openWhy: string
  /** What could not be seen, and why. */
  readonly unknown: readonly { readonly what: string; readonly why: string }[]
}

/** Things of the log, and what should be done to none of them by anybody else. */
interface Precious {
  readonly resourceType: AclEntry['resourceType']
  readonly names: readonly string[]
  readonly operations: readonly string[]
}

/** Judges what was seen of the audit topic and of the rights to it. Pure. What was not seen is unknown, and said. */
export function guard(facts: GuardFacts, transactionalIds: readonly string[]): GuardReport {
  const { acls, writer, topic } = facts
  const entries = 'value' in acls ? acls.value : []
  const destroyers = holders(
    entries,
    { resourceType: 'topic', names: [topic], operations: ['delete', 'alter', 'alter-configs'] },
    { resourceType: 'cluster', names: ['kafka-cluster'], operations: ['alter', 'alter-configs', 'cluster-action'] }
  )
  const strangers = holders(
    entries,
    { resourceType: 'topic', names: [topic], operations: ['write'] },
    { resourceType: 'transactional-id', names: transactionalIds, operations: ['write'] }
  ).filter(({ principal }) => principal !== writer)
  const unknown = [
    ...whyOf('topic', facts.found),
    ...whyOf('settings of the topic', facts.topicSettings),
    ...whyOf('settings of the brokers', facts.brokerSettings),
    ...(isWithoutAuthorizer(acls) ? [] : whyOf('ACLs', acls))
  ]
  return { drift: driftOf(facts), destroyers, strangers, superUsers: superUsersOf(facts), ...opennessOf(facts), unknown }
}

/** As a checkpoint says it. */
export function powersOf({ destroyers, strangers, superUsers, open, openWhy, unknown }: GuardReport): JsonValue {
  const told = (powers: readonly Power[]): JsonValue => powers.map(({ principal, may }) => ({ principal, may: [...may] }))
  return { destroyers: told(destroyers), strangers: told(strangers), superUsers, open, openWhy, unknown: unknown.map(({ what, why }) => ({ what, why })) }
}

function driftOf({ topic, partitions, brokers, found, topicSettings }: GuardFacts): Drift[] {
  const wanted = auditTopicSettings(topic, partitions, brokers)
  const drift: Drift[] = []
  if ('value' in found) {
    if (found.value === null) return [{ setting: 'topic', expected: topic, actual: null }]
    if (found.value.partitions !== partitions) drift.push({ setting: 'partitions', expected: String(partitions), actual: String(found.value.partitions) })
    const fewest = Math.min(...found.value.replicationFactors)
    if (fewest < wanted.replicationFactor) drift.push({ setting: 'replication-factor', expected: String(wanted.replicationFactor), actual: String(fewest) })
  }
  if ('value' in topicSettings)
    for (const [name, expected] of Object.entries(wanted.configs)) {
      const actual = topicSettings.value.get(name)?.value ?? null
      if (!isGoodEnough(name, expected, actual)) drift.push({ setting: `config:${name}`, expected, actual })
    }
  return drift
}

/** Keeping records for longer, or on more replicas before they count, is no drift. */
function isGoodEnough(name: string, expected: string, actual: string | null): boolean {
  if (actual === null || actual === expected) return actual === expected
  if (name === 'retention.ms') return Number(actual) === -1 || Number(actual) >= Number(expected)
  return name === 'min.insync.replicas' && Number(actual) >= Number(expected)
}

function superUsersOf({ brokerSettings }: GuardFacts): GuardReport['superUsers'] {
  if ('why' in brokerSettings || brokerSettings.value.size === 0) return 'unknown'
  // Their names are hidden, being no setting that the brokers know; an empty list is left out.
  return [...brokerSettings.value.values()].some(settings => settings.has('super.users')) ? 'hidden' : 'none'
}

function opennessOf({ acls, brokerSettings, topic }: GuardFacts): Pick<GuardReport, 'open' | 'openWhy'> {
  if (isWithoutAuthorizer(acls)) return { open: 'yes', openWhy: 'the cluster runs no authorizer: everybody may do everything' }
  if ('why' in brokerSettings || brokerSettings.value.size === 0)
    return {
      open: 'unknown',
      openWhy: `whether allow.everyone.if.no.acl.found is set is not known: ${'why' in brokerSettings ? brokerSettings.why : 'no broker listed its settings'}`
    }
  const found = [...brokerSettings.value.values()].flatMap(settings => settings.get('allow.everyone.if.no.acl.found') ?? [])
  if (found.length === 0) return { open: 'no', openWhy: 'no broker sets allow.everyone.if.no.acl.found, which is false then' }
  if (found.every(({ value }) => value === 'false')) return { open: 'no', openWhy: 'allow.everyone.if.no.acl.found is false' }
  if ('value' in acls && acls.value.some(entry => covers(entry, 'topic', topic)))
    return { open: 'no', openWhy: 'allow.everyone.if.no.acl.found may be true, and the topic has ACLs, which then count alone' }
  if (found.some(({ value }) => value === 'true'))
    return { open: 'yes', openWhy: 'allow.everyone.if.no.acl.found is true, and no ACL names the topic: give its readers an ALLOW first' }
  return {
    open: 'unknown',
    openWhy:
      'the brokers set allow.everyone.if.no.acl.found and hide its value, and no ACL is known to name the topic: give its readers an ALLOW, and it does not matter'
  }
}

function holders(entries: readonly AclEntry[], ...things: readonly Precious[]): Power[] {
  const allowed = entries.filter(entry => entry.permission === 'allow' && things.some(thing => reaches(entries, entry, thing)))
  return [...Map.groupBy(allowed, ({ principal }) => principal)]
    .map(([principal, of]) => ({ principal, may: [...new Set(of.map(wordsOf))].toSorted() }))
    .toSorted((one, other) => (one.principal < other.principal ? -1 : 1))
}

/** Whether an allowance lets its principal do one of the operations to one of the things: no denial from every host takes all of that away. */
function reaches(entries: readonly AclEntry[], allowance: AclEntry, { resourceType, names, operations }: Precious): boolean {
  const asked = allowance.operation === 'all' ? operations : operations.filter(operation => operation === allowance.operation)
  const isDenied = (name: string, operation: string): boolean =>
    entries.some(
      entry =>
        entry.permission === 'deny' &&
        entry.host === '*' &&
        covers(entry, resourceType, name) &&
        [allowance.principal, 'User:*'].includes(entry.principal) &&
        [operation, 'all'].includes(entry.operation)
    )
  return names.some(name => covers(allowance, resourceType, name) && asked.some(operation => !isDenied(name, operation)))
}

/** `DELETE on topic audit.*` */
export function wordsOf({ operation, resourceType, resourceName, pattern, host }: AclEntry): string {
  const what = resourceType === 'cluster' ? 'the cluster' : `${resourceType} ${resourceName}${pattern === 'prefixed' ? '*' : ''}`
  return `${operation.toUpperCase().replaceAll('-', '_')} on ${what}${host === '*' ? '' : ` from ${host}`}`
}

function covers(entry: AclEntry, resourceType: AclEntry['resourceType'], name: string): boolean {
  if (entry.resourceType !== resourceType) return false
  return entry.pattern === 'prefixed' ? name.startsWith(entry.resourceName) : entry.resourceName === name || entry.resourceName === '*'
}

function isWithoutAuthorizer(acls: GuardFacts['acls']): boolean {
  return 'why' in acls && acls.why.includes('SECURITY_DISABLED')
}

function whyOf(what: string, asked: Asked<unknown>): { what: string; why: string }[] {
  return 'why' in asked ? [{ what, why: asked.why }] : []
}
