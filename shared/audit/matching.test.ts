import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { access, change, noon, request } from '#test/support/audit-inputs.ts'
import { type Claim, claimOfAccess, claimOfJournal, claimOfRequest } from './claim.ts'
import { changeEvent } from './events/change.ts'
import type { ChangeInput } from './inputs.ts'
import { judge, rankOf } from './matching.ts'
import { openChange } from './open-change.ts'
import { setting } from '#test/support/audit-inputs.ts'

const windowMs = 30_000
const options = { skewMs: 2_000 }
const open = (input: ChangeInput, late = false) => openChange(input, changeEvent(setting, input as Parameters<typeof changeEvent>[1]), late)
const asked = (...parts: Parameters<typeof request>): Claim => claimOfRequest(request(...parts).line, windowMs)!
const allowed = (...parts: Parameters<typeof access>): Claim => claimOfAccess(access(...parts).line, windowMs)!
const created = open(change(7, noon, 'topic-created'))
const createdBy = (principal: string, offset = 0, facts = {}) => asked('requests', offset, noon + 10, [{}], { principal, correlationId: offset, ...facts })
const topicRight = (principal: string, offset: number, facts = {}) =>
  allowed('authorizer', offset, noon - 5, { principal, operation: 'CREATE', request: 'CreateTopics', address: '10.0.0.9', ...facts })
const clusterRight = (principal: string, offset: number) => topicRight(principal, offset, { resourceType: 'Cluster', resourceName: 'kafka-cluster' })
const withId = { change: 'create-topic', resource: { type: 'topic', name: 'payments', topicId: 'id-of-payments' } } as const

describe('how sure it is who made a change', () => {
  test.each<[string, string, string | null, Claim[]]>([
    ['nothing fits', 'none', null, []],
    ['a request says of this very topic id that it was created', 'exact', 'User:a', [asked('r', 1, noon + 10, [withId], { principal: 'User:a' })]],
    ['a request says so by name, and no other does', 'exact', 'User:a', [createdBy('User:a')]],
    ['two requests of different principals say so by name', 'ambiguous', null, [createdBy('User:a', 1), createdBy('User:b', 2)]],
    ['two requests of one principal say so by name', 'probable', 'User:a', [createdBy('User:a', 1), createdBy('User:a', 2)]],
    ['of two one knows the id', 'exact', 'User:a', [createdBy('User:b', 1), asked('r', 2, noon, [withId], { principal: 'User:a', correlationId: 2 })]],
    ['somebody was allowed to create it', 'probable', 'User:a', [topicRight('User:a', 1)]],
    ['two were allowed to create it', 'ambiguous', null, [topicRight('User:a', 1), topicRight('User:b', 2)]],
    ['one was allowed to create it, another to create anything', 'probable', 'User:a', [topicRight('User:a', 1), clusterRight('User:b', 2)]],
    ['one was allowed to create anything', 'probable', 'User:b', [clusterRight('User:b', 2)]],
    ['one did it, another was allowed to', 'exact', 'User:a', [createdBy('User:a', 1), topicRight('User:b', 2)]],
    ['the request did not say whether it was done', 'probable', 'User:a', [asked('r', 1, noon, [{ errorCode: null }], { principal: 'User:a' })]]
  ])('%s: %s', (_, certainty, principal, claims) => {
    const found = judge(claims, created, options)
    expect(found.certainty).toBe(certainty)
    if (principal !== null) expect(found.candidates[0]?.principal).toBe(principal)
  })

  test('two candidates are both named', () => {
    expect(judge([createdBy('User:a', 1), createdBy('User:b', 2)], created, options).candidates.map(({ principal }) => principal)).toEqual(['User:a', 'User:b'])
  })

  test('the lines of a broker and of the controller it passed the request on to are one candidate, from the address that the broker saw', () => {
    const forwarded = createdBy('User:a', 0, { forwarded: true, address: '10.9.9.9', correlationId: 1 })
    const { certainty, candidates } = judge([forwarded, createdBy('User:a', 1)], created, options)
    expect([certainty, candidates.length, candidates[0]!.address, candidates[0]!.evidence.length]).toEqual(['exact', 1, '10.0.0.9', 2])
  })

  test('what the authorizer log says of the same principal and address is evidence for the request', () => {
    const { certainty, candidates } = judge([topicRight('User:a', 9), createdBy('User:a', 1)], created, options)
    expect([certainty, candidates.length, candidates[0]!.evidence]).toEqual(['exact', 1, ['authorizer/0@9', 'requests/0@1']])
  })

  test("an act that Reeve's journal knows of is its own", () => {
    const entry = {
      kind: 'outcome',
      atMs: noon + 100,
      epoch: 3,
      agent: 'topic-expirer',
      subject: 'topic-expirer/delete/x',
      what: 'Deleted.',
      facts: null
    } as const
    const made = [{ kind: 'topic-deleted', resourceType: 'topic', name: 'payments', id: 'id-of-payments', fromMs: noon - 100 }] as const
    const claim = claimOfJournal({ kind: 'journal', sourceId: 'journal', position: 0, coordinate: 'journal@0', entry, made }, 'User:reeve', windowMs)!
    const deleted = open(change(8, noon, 'topic-deleted'))
    expect(judge([claim], deleted, options)).toMatchObject({
      certainty: 'exact',
      candidates: [{ principal: 'User:reeve', requestUid: 'topic-expirer/delete/x' }]
    })
  })

  test("a line that a client's text could have made is never exact, and doubtful beside another", () => {
    const forged = createdBy('User:victim', 1, { forgeable: true })
    expect(judge([forged], created, options).certainty).toBe('probable')
    expect(judge([forged, topicRight('User:a', 2)], created, options).certainty).toBe('ambiguous')
  })

  test('two kinds of logs that say the same are no hearsay', () => {
    const claims = [createdBy('User:a', 1, { forgeable: true }), topicRight('User:a', 2, { forgeable: true })]
    expect(judge(claims, created, options).certainty).toBe('exact')
  })

  test("a change that came too late is nobody's: lines about it may be forgotten", () => {
    expect(judge([createdBy('User:a')], open(change(7, noon, 'topic-created'), true), options).certainty).toBe('none')
  })
})

describe('what does not fit', () => {
  const settings = (after: Record<string, string | null>) => open(change(9, noon, 'config-changed', { before: {}, after }))
  const altered = (configs: unknown, facts = {}) =>
    asked('r', 1, noon + 5, [{ change: 'alter-configs', asked: { configs: configs as never } }], { api: 'INCREMENTAL_ALTER_CONFIGS', ...facts })

  test.each<[string, number, () => number]>([
    ['another name', 0, () => rankOf(asked('r', 1, noon, [{ resource: { type: 'topic', name: 'other' } }]), created, options)],
    [
      'another incarnation of the same name',
      0,
      () => rankOf(asked('r', 1, noon, [{ resource: { type: 'topic', name: 'payments', topicId: 'before' } }]), created, options)
    ],
    ['another API', 0, () => rankOf(asked('r', 1, noon, [{ change: 'delete-topic' }]), created, options)],
    ['answered before the change', 0, () => rankOf(asked('r', 1, noon - 2_001, [{}]), created, options)],
    ['answered before it by less than clocks differ', 3, () => rankOf(asked('r', 1, noon - 2_000, [{}]), created, options)],
    ['begun long after the change', 0, () => rankOf(asked('r', 1, noon + 5_000, [{}], { tookMs: 10 }), created, options)],
    ['long-running, and begun before it', 3, () => rankOf(asked('r', 1, noon + 5_000, [{}], { tookMs: 6_000 }), created, options)],
    ['allowed after the change', 0, () => rankOf(topicRight('User:a', 1, { time: { atMs: noon + 2_001, timeCertainty: 'stated' } }), created, options)],
    [
      'the second of two moments of a local time',
      2,
      () => rankOf(topicRight('User:a', 1, { time: { atMs: noon - 3_600_000, orMs: noon, timeCertainty: 'ambiguous' } }), created, options)
    ],
    [
      'the same setting with the same value',
      3,
      () => rankOf(altered([{ name: 'retention.ms', operation: 'set', value: '1' }]), settings({ 'retention.ms': '1' }), options)
    ],
    [
      'the same setting with another value',
      0,
      () => rankOf(altered([{ name: 'retention.ms', operation: 'set', value: '2' }]), settings({ 'retention.ms': '1' }), options)
    ],
    [
      'the same setting with a hidden value',
      3,
      () => rankOf(altered([{ name: 'retention.ms', operation: 'set', value: '[hidden]' }]), settings({ 'retention.ms': '1' }), options)
    ],
    [
      'a setting taken away',
      3,
      () => rankOf(altered([{ name: 'retention.ms', operation: 'delete', value: null }]), settings({ 'retention.ms': null }), options)
    ],
    ['another setting', 0, () => rankOf(altered([{ name: 'cleanup.policy', operation: 'set', value: 'x' }]), settings({ 'retention.ms': '1' }), options)],
    [
      'all settings at once',
      3,
      () => rankOf(altered([{ name: 'cleanup.policy', value: 'x' }], { api: 'ALTER_CONFIGS' }), settings({ 'retention.ms': null }), options)
    ],
    [
      "a right on the cluster's settings, for a topic's",
      0,
      () =>
        rankOf(
          allowed('a', 1, noon, { resourceType: 'Cluster', operation: 'ALTER_CONFIGS', request: 'IncrementalAlterConfigs' }),
          settings({ 'retention.ms': '1' }),
          options
        )
    ]
  ])('%s has rank %i', (_, rank, given) => {
    expect(given()).toBe(rank)
  })

  test.each([
    ['a denied line', claimOfAccess(access('a', 1, noon, { operation: 'CREATE', allowed: false }).line, windowMs)],
    ['a line that only lists operations', claimOfAccess(access('a', 1, noon, { operation: 'CREATE', accessAsked: false }).line, windowMs)],
    ['reading', claimOfAccess(access('a', 1, noon).line, windowMs)],
    ['a request that was refused as a whole', claimOfRequest(request('r', 1, noon, [{}], { errorCode: 29 }).line, windowMs)],
    ['a request whose items were refused', claimOfRequest(request('r', 1, noon, [{ errorCode: 36 }]).line, windowMs)],
    ['a request that was only tried', claimOfRequest(request('r', 1, noon, [{}], { validateOnly: true }).line, windowMs)]
  ])('%s claims nothing', (_, claim) => {
    expect(claim).toBeNull()
  })
})

test('an ACL is told from others by all its parts', () => {
  const acl = { resourceType: 'topic', resourceName: 'payments', pattern: 'literal', principal: 'User:x', host: '*', operation: 'read', permission: 'allow' }
  const added = open(change(9, noon, 'acl-added', { resource: { type: 'acl', name: null, id: 'uuid' }, after: acl }))
  const creation = (facts: object) =>
    asked('r', 1, noon, [
      {
        change: 'create-acl',
        resource: { type: 'acl', name: 'payments' },
        asked: { principal: 'User:x', host: '*', operation: 3, permissionType: 3, resourceType: 2, patternType: 3, ...facts }
      }
    ])
  expect(rankOf(creation({}), added, options)).toBe(3)
  expect(rankOf(creation({ operation: 4 }), added, options)).toBe(0)
  expect(rankOf(allowed('a', 1, noon, { resourceType: 'Cluster', operation: 'ALTER', request: 'CreateAcls' }), added, options)).toBe(1)
  expect(rankOf(allowed('a', 1, noon, { resourceType: 'Cluster', operation: 'ALTER', request: 'DeleteAcls' }), added, options)).toBe(0)
})

test('a broker that ends a transaction has the right to change ACLs, and made none', () => {
  const right = { resourceType: 'Cluster', resourceName: 'kafka-cluster', operation: 'ALTER', request: 'WriteTxnMarkers' }
  expect(claimOfAccess(access('a', 1, noon, right).line, windowMs)).toBeNull()
})

test('who may delete anything is asked for that right alone, and a line of it fits any deleted topic', () => {
  const right = { resourceType: 'Cluster', resourceName: 'kafka-cluster', operation: 'DELETE', request: 'DeleteTopics' }
  expect(judge([allowed('a', 1, noon, right)], open(change(8, noon, 'topic-deleted')), options).certainty).toBe('probable')
  expect(rankOf(allowed('a', 1, noon, right), created, options)).toBe(0)
})

test('a quota has the same name in the request log and in the metadata log', () => {
  const changed = open(change(9, noon, 'quota-changed', { resource: { type: 'quota', name: 'client-id=<default>,user=a', id: null } }))
  const claim = asked('r', 1, noon, [{ change: 'alter-quota', resource: { type: 'quota', name: '{"client-id":null,"user":"a"}' } }])
  expect(rankOf(claim, changed, options)).toBe(3)
})

test('the order of the lines changes nothing', () => {
  const claims = [
    createdBy('User:a', 1),
    createdBy('User:b', 2),
    topicRight('User:a', 3),
    topicRight('User:c', 4),
    clusterRight('User:a', 5),
    createdBy('User:a', 6, { forwarded: true, correlationId: 1 })
  ]
  fc.assert(
    fc.property(fc.shuffledSubarray(claims, { minLength: claims.length }), fc.subarray(claims), (shuffled, some) => {
      expect(judge(shuffled, created, options)).toEqual(judge(claims, created, options))
      expect(judge(some.toReversed(), created, options)).toEqual(judge(some, created, options))
    })
  )
})
