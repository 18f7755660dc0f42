import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aclConsequence } from './acl.ts'
import { consequenceOf } from './consequence.ts'
import type { Acl, AclFacts } from './facts.ts'

const acl = (parts: Partial<Acl> = {}): Acl => ({
  resourceType: 'topic',
  resourceName: 'payments',
  pattern: 'literal',
  principal: 'User:a',
  host: '*',
  operation: 'read',
  permission: 'allow',
  ...parts
})
const facts = (others: readonly Acl[] = [], rest: Partial<AclFacts> = {}): AclFacts => ({ others, allowEveryone: false, superUsers: [], ...rest })
const deny = (parts: Partial<Acl> = {}) => acl({ permission: 'deny', ...parts })

describe('who gains or loses what', () => {
  test.each<[string, string, Acl, 'added' | 'removed', AclFacts]>([
    ['a new ALLOW', 'gains', acl(), 'added', facts()],
    ['a removed ALLOW', 'loses', acl(), 'removed', facts()],
    ['an ALLOW that a wider one covers', 'nothing', acl(), 'added', facts([acl({ resourceName: 'pay', pattern: 'prefixed' })])],
    ['an ALLOW that one for everybody covers', 'nothing', acl(), 'removed', facts([acl({ principal: 'User:*' })])],
    ['an ALLOW that one of all operations covers', 'nothing', acl(), 'added', facts([acl({ operation: 'all' })])],
    ['DESCRIBE where READ is allowed', 'nothing', acl({ operation: 'describe' }), 'added', facts([acl()])],
    ['READ where DESCRIBE is allowed', 'gains', acl(), 'added', facts([acl({ operation: 'describe' })])],
    ['an ALLOW from anywhere, beside one from one host', 'gains', acl(), 'added', facts([acl({ host: '10.0.0.1' })])],
    ['an ALLOW that a DENY takes away', 'nothing', acl(), 'added', facts([deny({ principal: 'User:*', operation: 'all' })])],
    ['an ALLOW that a DENY takes away in part', 'gains', acl({ resourceName: '*' }), 'added', facts([deny()])],
    ['a DENY of what is allowed', 'loses', deny(), 'added', facts([acl()])],
    ['a removed DENY of what is allowed', 'gains', deny(), 'removed', facts([acl()])],
    ['a DENY of what nobody allowed', 'nothing', deny(), 'added', facts()],
    ['a DENY of what nobody allowed, where everybody may', 'loses', deny(), 'added', facts([], { allowEveryone: true })],
    ['a DENY of what nobody allowed, where nobody knows whether everybody may', 'unknown', deny(), 'added', facts([], { allowEveryone: null })],
    ['an ALLOW of a super user', 'nothing', acl(), 'added', facts([], { superUsers: ['User:a'] })],
    ['an ALLOW of another topic', 'gains', acl(), 'added', facts([acl({ resourceName: 'other' })])],
    ['an ALLOW of a group of the same name', 'gains', acl(), 'added', facts([acl({ resourceType: 'group' })])]
  ])('%s: %s', (_, effect, changed, change, given) => {
    expect(aclConsequence(changed, change, given)).toMatchObject({ effect })
  })

  test('and names the ACLs that it stands on', () => {
    expect(aclConsequence(acl(), 'added', facts([deny({ principal: 'User:*' })]))).toMatchObject({
      because: ['deny User:* read on topic:literal:payments from *']
    })
  })

  test('a write is a right to describe too', () => {
    expect(aclConsequence(acl({ operation: 'write' }), 'added', facts())).toMatchObject({ operations: ['write', 'describe'] })
    expect(aclConsequence(deny({ operation: 'write' }), 'added', facts([acl({ operation: 'write' })]))).toMatchObject({ operations: ['write'] })
  })

  test('a DENY of WRITE leaves the right to describe that an ALLOW of WRITE brings along', () => {
    expect(aclConsequence(acl({ operation: 'write' }), 'added', facts([deny({ operation: 'write' })]))).toMatchObject({
      effect: 'gains',
      operations: ['describe']
    })
  })

  test('the first ACL of a topic takes it from everybody else, where everybody may do what no ACL speaks of', () => {
    expect(aclConsequence(acl(), 'added', facts([], { allowEveryone: true }))).toMatchObject({ everybodyElse: expect.stringMatching(/^loses/) })
    expect(aclConsequence(acl(), 'removed', facts([], { allowEveryone: true }))).toMatchObject({ everybodyElse: expect.stringMatching(/^gains/) })
    expect(aclConsequence(acl(), 'added', facts([acl({ principal: 'User:b' })], { allowEveryone: true }))).toMatchObject({ everybodyElse: 'unchanged' })
    expect(aclConsequence(acl(), 'added', facts([], { allowEveryone: null }))).toMatchObject({ everybodyElse: expect.stringMatching(/^unknown/) })
    expect(aclConsequence(acl(), 'added', facts())).toMatchObject({ everybodyElse: 'unchanged' })
  })
})

/** What the authorizer answers: a DENY wins, else an ALLOW is needed. */
function allowed(acls: readonly Acl[], principal: string, host: string, operation: string, name: string): boolean {
  const brings: Record<string, readonly string[]> = { describe: ['describe', 'read', 'write'] }
  const matches = (each: Acl): boolean =>
    (each.principal === principal || each.principal === 'User:*') &&
    (each.host === host || each.host === '*') &&
    (each.operation === 'all' || (each.permission === 'allow' ? (brings[operation] ?? [operation]).includes(each.operation) : each.operation === operation)) &&
    (each.pattern === 'prefixed' ? name.startsWith(each.resourceName) : each.resourceName === '*' || each.resourceName === name)
  return !acls.some(each => each.permission === 'deny' && matches(each)) && acls.some(each => each.permission === 'allow' && matches(each))
}

const anyAcl = fc.record({
  resourceType: fc.constant('topic'),
  resourceName: fc.constantFrom('p', 'pay', 'payments', 'other', '*'),
  pattern: fc.constantFrom('literal', 'prefixed'),
  principal: fc.constantFrom('User:a', 'User:b', 'User:*'),
  host: fc.constantFrom('*', '10.0.0.1'),
  operation: fc.constantFrom('read', 'write', 'describe', 'all'),
  permission: fc.constantFrom('allow', 'deny')
})

test('what it says agrees with what an authorizer answers before and after', () => {
  const seen = { gains: 0, loses: 0, nothing: 0 }
  fc.assert(
    fc.property(anyAcl, fc.array(anyAcl, { maxLength: 6 }), fc.constantFrom('added' as const, 'removed' as const), (changed, rest, change) => {
      const others = rest.filter(each => JSON.stringify(each) !== JSON.stringify(changed))
      const [before, after] = change === 'added' ? [others, [...others, changed]] : [[...others, changed], others]
      let [gained, lost] = [false, false]
      for (const principal of ['User:a', 'User:b', 'User:c'])
        for (const host of ['10.0.0.1', '10.0.0.2'])
          for (const operation of ['read', 'write', 'describe', 'alter'])
            for (const name of ['p', 'pay', 'paying', 'payments', 'payments-2', 'pq', 'other', 'others', 'x', '*', '*x']) {
              const [was, is] = [allowed(before, principal, host, operation, name), allowed(after, principal, host, operation, name)]
              gained ||= is && !was
              lost ||= was && !is
            }
      const { effect, because } = aclConsequence(changed, change, facts(others)) as { effect: keyof typeof seen; because: readonly string[] }
      seen[effect]++
      if (effect === 'nothing') expect([gained, lost]).toEqual([false, false])
      if (gained) expect(effect).toBe('gains')
      if (lost) expect(effect).toBe('loses')
      const several = others.filter(each => each.permission === changed.permission).length > 1
      if (effect !== 'nothing' && because.length === 0 && !several) expect(gained || lost).toBe(true)
    }),
    { numRuns: 300 }
  )
  expect(Object.values(seen).every(count => count > 20)).toBe(true)
})

test('an ACL that was removed and is not known, and ACLs that could not be read, are unknown', () => {
  const resource = { type: 'acl', name: null, id: 'x' }
  expect(consequenceOf({ kind: 'acl-removed', resource, before: null, after: null }, 0, { topic: null, acls: facts() })).toMatchObject({
    unknown: expect.any(String)
  })
  expect(consequenceOf({ kind: 'acl-added', resource, before: null, after: { ...acl() } }, 0, { topic: null, acls: null })).toMatchObject({
    unknown: expect.any(String)
  })
  expect(consequenceOf({ kind: 'acl-added', resource, before: null, after: { ...acl() } }, 0, { topic: null, acls: facts() })).toMatchObject({
    effect: 'gains'
  })
})
