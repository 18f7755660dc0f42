import { createHmac, type KeyObject } from 'node:crypto'
import { harmlessConfigs } from '../schemas/harmless-configs.ts'
import type { Dropped } from './record.ts'

/** ConfigResource.Type by its code. */
export const configResourceTypes: Readonly<Record<number, 'topic' | 'broker' | 'broker-logger' | 'client-metrics' | 'group'>> = {
  2: 'topic',
  4: 'broker',
  8: 'broker-logger',
  16: 'client-metrics',
  32: 'group'
}

const harmless: ReadonlyMap<string, ReadonlySet<string>> = new Map(Object.entries(harmlessConfigs).map(([resource, names]) => [resource, new Set(names)]))
const listenerPrefix = /^listener\.name\.[^.]+\./

/**
 * Whether the value of a config may be a secret. As Kafka's own RecordRedactor has it: yes, unless a release defines it as something else
 * than a PASSWORD; so every unknown config is one. More than there, the configs of groups and of client metrics are known, those of a listener
 * are what they are without its prefix (KIP-103), and addresses count as secrets.
 */
export function isSensitiveConfig(resourceType: number, name: string): boolean {
  const resource = configResourceTypes[resourceType]
  const plainName = resource === 'broker' ? name.replace(listenerPrefix, '') : name
  return resource === undefined || !(harmless.get(resource)?.has(plainName) ?? false)
}

/** HMAC-SHA-256 in hex. `place` keeps one secret from being recognised in another place. */
export function keyedHash(key: KeyObject, place: readonly (string | number)[], bytes: Buffer): string {
  return createHmac('sha256', key).update(JSON.stringify(place)).update('\0').update(bytes).digest('hex')
}

export function drop(key: KeyObject, place: readonly (string | number)[], bytes: Buffer): Dropped {
  return { dropped: 'secret', lengthBytes: bytes.length, keyedHash: keyedHash(key, place, bytes) }
}
