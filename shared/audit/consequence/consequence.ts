import type { JsonValue } from '../../domain/json.ts'
import type { Difference } from '../../kafka/metadata-log/decode/describe.ts'
import { aclConsequence } from './acl.ts'
import type { Acl, ConsequenceFacts } from './facts.ts'
import { deletionConsequence, partitionsConsequence, settingsConsequence } from './topic.ts'

/**
 * What follows of a change: which records it makes deletable and when, who gains or loses what. Null for changes of which nothing is
 * computed; what is not known is said to be. Pure: the facts are given.
 */
export function consequenceOf(change: Difference, changedMs: number, facts: ConsequenceFacts): JsonValue {
  const { kind, resource, before, after } = change
  switch (kind) {
    case 'topic-deleted':
      return deletionConsequence(facts.topic)
    case 'partitions-added': {
      const [was, is] = [numberIn(before, 'partitions'), numberIn(after, 'partitions')]
      return was === null || is === null || was < 1 || is <= was ? { unknown: 'How many partitions there were is not known.' } : partitionsConsequence(was, is)
    }
    case 'config-changed':
      return resource.type === 'topic' && isObject(after) ? settingsConsequence(textsIn(after), facts.topic, changedMs) : null
    case 'acl-added':
    case 'acl-removed': {
      const acl = aclIn(kind === 'acl-added' ? after : before)
      return acl === null ? { unknown: 'The ACL is not known.' } : aclConsequence(acl, kind === 'acl-added' ? 'added' : 'removed', facts.acls)
    }
    default:
      return null
  }
}

type Members = Readonly<Record<string, JsonValue>>

function isObject(value: JsonValue): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberIn(value: JsonValue, name: string): number | null {
  const member = isObject(value) ? value[name] : null
  return typeof member === 'number' ? member : null
}

/** Settings that are text or were taken away; a secret is neither. */
function textsIn(value: Members): Record<string, string | null> {
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string | null] => entry[1] === null || typeof entry[1] === 'string'))
}

function aclIn(value: JsonValue): Acl | null {
  if (!isObject(value)) return null
  const { resourceType, resourceName, pattern, principal, host, operation, permission } = value
  const parts = { resourceType, resourceName, pattern, principal, host, operation, permission }
  return Object.values(parts).every(part => typeof part === 'string') ? (parts as unknown as Acl) : null
}
