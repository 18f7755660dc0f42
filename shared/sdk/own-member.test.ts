import { expect, test } from 'vitest'
import { ownMember } from './own-member.ts'

const member = (memberId: string, assigned: Record<string, number[]>, clientId = 'orders') => ({
  memberId,
  clientId,
  assigned: new Map(Object.entries(assigned))
})

test('the member that holds exactly these partitions is this one, in whatever order they are told', () => {
  const members = [member('a', { t: [0] }), member('b', { t: [2, 1], u: [0] }), member('c', { t: [3] })]
  expect(ownMember(members, { u: [0], t: [1, 2] }, 'another client id')).toEqual({ memberId: 'b', clientId: 'orders' })
})

test('while the group is not told with these partitions, nobody is this one', () => {
  expect(ownMember([member('a', {}), member('b', { t: [0] })], { t: [0, 1] }, 'orders')).toBeNull()
  expect(ownMember([], { t: [0] }, 'orders')).toBeNull()
})

test('a member without partitions is told by its client id, unless another one without partitions has the same', () => {
  const idle = member('idle', {})
  expect(ownMember([idle, member('b', { t: [0] }), member('c', {}, 'billing')], {}, 'orders')).toEqual({ memberId: 'idle', clientId: 'orders' })
  expect(ownMember([idle, member('d', {})], {}, 'orders')).toBeNull()
})

test('two members that both hold these partitions, which no protocol has, are nobody', () => {
  expect(ownMember([member('a', { t: [0] }), member('b', { t: [0] })], { t: [0] }, 'orders')).toBeNull()
})
