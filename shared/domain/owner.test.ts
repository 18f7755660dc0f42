import { expect, test } from 'vitest'
import { type OwnerRule, ownerOfGroup } from './owner.ts'

const rules: OwnerRule[] = [
  { team: 'payments', channel: 'pay', criticality: 'high', groups: ['payments-*'], topics: ['payments.*'] },
  { team: 'search', channel: 'find', criticality: 'low', groups: ['*-indexer'], topics: [] }
]

test('the first rule that names the group wins', () =>
  expect(ownerOfGroup(rules, 'payments-indexer')).toMatchObject({ rule: { team: 'payments' }, by: 'group' }))
test('a rule for the group goes before one for its topic', () =>
  expect(ownerOfGroup(rules, 'web-indexer', ['payments.a'])).toMatchObject({ rule: { team: 'search' }, by: 'group' }))
test('else the owner of a topic that it reads answers', () =>
  expect(ownerOfGroup(rules, 'unknown', ['x', 'payments.a'])).toMatchObject({ rule: { team: 'payments' }, by: 'topic' }))
test('nobody registered is nobody', () => expect(ownerOfGroup(rules, 'unknown', ['x'])).toBeNull())
