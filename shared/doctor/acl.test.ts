import { describe, expect, test } from 'vitest'
import type { AclEntry } from '../kafka/ports.ts'
import { byEntries } from './acl.ts'

/** `deny User:x read topic orders*` */
function entry(text: string): AclEntry {
  const [permission, principal, operation, resourceType, name] = text.split(' ') as [AclEntry['permission'], string, string, AclEntry['resourceType'], string]
  const prefixed = name.length > 1 && name.endsWith('*')
  return {
    permission,
    principal,
    operation,
    resourceType,
    resourceName: prefixed ? name.slice(0, -1) : name,
    pattern: prefixed ? 'prefixed' : 'literal',
    host: '*'
  }
}
const asks = (text: string) => {
  const { operation, resourceType, resourceName, pattern } = entry(`allow User:x ${text}`)
  return { operation, resourceType, resourceName, pattern }
}

describe('what the entries grant User:x', () => {
  test.each([
    ['the same right', ['allow User:x read topic orders'], 'read topic orders', true],
    ['nothing at all', [], 'read topic orders', false],
    ["somebody else's right", ['allow User:y read topic orders'], 'read topic orders', false],
    ["everybody's right", ['allow User:* read topic orders'], 'read topic orders', true],
    ['ALL', ['allow User:x all topic orders'], 'describe-configs topic orders', true],
    ['READ implies DESCRIBE', ['allow User:x read topic orders'], 'describe topic orders', true],
    ['DELETE implies DESCRIBE', ['allow User:x delete topic orders'], 'describe topic orders', true],
    ['DESCRIBE implies no READ', ['allow User:x describe topic orders'], 'read topic orders', false],
    ['ALTER_CONFIGS implies DESCRIBE_CONFIGS', ['allow User:x alter-configs topic orders'], 'describe-configs topic orders', true],
    ['a wildcard covers a name', ['allow User:x read topic *'], 'read topic orders', true],
    ['a wildcard covers a prefix', ['allow User:x create topic *'], 'create topic reeve.*', true],
    ['a prefix covers a longer one', ['allow User:x create topic ree*'], 'create topic reeve.*', true],
    ['a longer prefix covers no shorter one', ['allow User:x create topic reeve.s*'], 'create topic reeve.*', false],
    ['a name covers no prefix', ['allow User:x create topic reeve.'], 'create topic reeve.*', false],
    ['a prefix covers not everything', ['allow User:x read topic orders*'], 'read topic *', false],
    ['a name covers not everything', ['allow User:x read topic orders'], 'read topic *', false],
    ['another kind of resource', ['allow User:x read group orders'], 'read topic orders', false]
  ] as const)('%s', (_, entries, asked, granted) => {
    expect(byEntries(entries.map(entry), 'User:x', asks(asked)).granted).toBe(granted)
  })
})

describe('what they refuse', () => {
  test.each([
    ['the same operation', 'deny User:x read topic orders', 'read topic orders', true],
    ['ALL', 'deny User:x all topic orders', 'read topic orders', true],
    ['everybody', 'deny User:* read topic orders', 'read topic orders', true],
    ['one topic of all', 'deny User:x read topic orders', 'read topic *', true],
    ['one prefix of all', 'deny User:x read topic orders*', 'read topic *', true],
    ['one name within a prefix', 'deny User:x create topic reeve.state', 'create topic reeve.*', true],
    ['a name outside the prefix', 'deny User:x create topic orders', 'create topic reeve.*', false],
    ['a denial implies nothing', 'deny User:x read topic orders', 'describe topic orders', false],
    ['somebody else', 'deny User:y read topic orders', 'read topic orders', false]
  ] as const)('%s', (_, denial, asked, refused) => {
    expect(byEntries([entry(denial)], 'User:x', asks(asked)).refusedBy.length > 0).toBe(refused)
  })
})
