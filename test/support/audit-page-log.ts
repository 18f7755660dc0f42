import { seal, type Previous } from '#shared/audit/chain.ts'
import { beganEvent, checkpointEvent, keyRotatedEvent, rotationStatement } from '#shared/audit/checkpoint-entry.ts'
import type { AuditEvent } from '#shared/audit/event.ts'
import { accessEvent, foldedEvent } from '#shared/audit/events/access.ts'
import { attributionEvent } from '#shared/audit/events/attribution.ts'
import { changeEvent } from '#shared/audit/events/change.ts'
import { gapEvent } from '#shared/audit/events/mirror.ts'
import { requestEvent } from '#shared/audit/events/request.ts'
import { consequenceOf } from '#shared/audit/consequence/consequence.ts'
import type { ChangeInput } from '#shared/audit/inputs.ts'
import type { Setting } from '#shared/audit/ocsf.ts'
import { openChange } from '#shared/audit/open-change.ts'
import { encodeTrailer, frontierOf } from '#shared/audit/trailer.ts'
import { type LogPlace, originOf } from '#shared/audit-log/place.ts'
import { signCheckpoint } from '#shared/proof/checkpoint.ts'
import { leafHash } from '#shared/proof/hash.ts'
import type { Signer } from '#shared/proof/note-key.ts'
import { openTree } from '#shared/proof/tree.ts'
import { newSigner } from './audit-events.ts'
import { access, change, request } from './audit-inputs.ts'

export interface LogValue {
  readonly kind: 'event' | 'trailer' | 'note'
  readonly value: Buffer
}

export const pagePlace: LogPlace = { prefix: 'reeve.audit', clusterId: '5L6g3nShT-eMCtK--X86sw', topic: 'audit.platform-operations', partition: 0 }
const origin = originOf(pagePlace)
const setting: Setting = {
  clusterId: pagePlace.clusterId,
  environment: 'production',
  logName: pagePlace.topic,
  regionOf: address => (address.startsWith('10.0.') ? 'eu-central-1' : null)
}

/** A log by hand of these events, signed by `signer` first, with a trailer and a checkpoint behind each so many, and a change of its key behind the first half. */
export async function logOf(
  events: readonly AuditEvent[],
  every: number
): Promise<{ readonly records: LogValue[]; readonly vkey: string; readonly signer: Signer }> {
  const [oldKey, newKey] = [newSigner('reeve.audit/5L6g3nShT-eMCtK--X86sw'), newSigner('reeve.audit/5L6g3nShT-eMCtK--X86sw')]
  const records: LogValue[] = []
  const tree = openTree()
  let previous: Previous | null = null
  let trailer: string | null = null
  let signers = [oldKey]
  let timestampMs = events[0]!.timestampMs - 1_000
  const own = () => ({ origin, sequence: tree.size, timestampMs })
  const add = (draft: AuditEvent): void => {
    timestampMs = draft.timestampMs
    const sealed = seal(draft, { origin, sequence: tree.size, previous })
    tree.append(leafHash(sealed.bytes))
    records.push({ kind: 'event', value: sealed.bytes })
    previous = sealed
  }
  const end = (): void => {
    const { fingerprint } = previous!
    const keys = signers.map(({ vkey }) => vkey)
    const facts = {
      origin,
      sequence: tree.size,
      fingerprint,
      epoch: 3,
      previous: trailer,
      frontier: frontierOf(tree.state()),
      signers: keys,
      closedThroughMs: null
    }
    const encoded = encodeTrailer({ ...facts, sources: { metadata: { through: tree.size, resume: tree.size } } })
    records.push({ kind: 'trailer', value: encoded.bytes })
    trailer = encoded.hash
  }
  const checkpoint = async (): Promise<void> => {
    add(checkpointEvent(own(), { trailer, epoch: 3, powers: ['User:admin'], excluded: { 'User:reeve': 12 }, silent: [] }))
    end()
    records.push({ kind: 'note', value: Buffer.from(await signCheckpoint({ origin, size: tree.size, root: tree.root() }, signers)) })
    signers = signers.slice(-1)
  }
  add(beganEvent(own(), { vkey: oldKey.vkey, topicId: 'AAAA', continues: null }))
  for (const [index, draft] of events.entries()) {
    add(draft)
    if (index === Math.floor(events.length / 2)) {
      const statement = Buffer.from(rotationStatement(own(), oldKey.vkey, newKey.vkey))
      const [byOld, byNew] = await Promise.all([oldKey, newKey].map(async key => Buffer.from(await key.sign(statement)).toString('base64')))
      add(keyRotatedEvent(own(), { oldVkey: oldKey.vkey, newVkey: newKey.vkey, byOld: byOld!, byNew: byNew! }))
      signers = [oldKey, newKey]
    }
    if (index % every !== every - 1) continue
    end()
    await checkpoint()
  }
  end()
  await checkpoint()
  return { records, vkey: oldKey.vkey, signer: oldKey }
}

/** What whoever attacks the page writes wherever they may write: as principal, client, topic, reason and setting. */
export const attack = `</script><img src=x onerror="globalThis.harmed=1"><svg onload=harmed=1>\u202e"'\`\${harmed=1}`
const morning = Date.UTC(2026, 10, 20, 6)
const minutes = 60_000

/** Two days of a cluster: changes with and without their makers, refusals, counted accesses, a gap, and an attack by text. */
export function twoDays(): AuditEvent[] {
  const events: AuditEvent[] = []
  for (let number = 0; number < 120; number++) {
    const atMs = morning + number * 23 * minutes
    const who = ['User:payments', 'User:ledger', 'User:reporting', 'User:fraud'][number % 4]!
    if (number % 3 === 0)
      events.push(accessEvent(setting, access('authorizer', number, atMs, { principal: who, allowed: false, address: `10.0.0.${number % 9}` }).line))
    else events.push(folded(number, atMs, who))
    if (number % 9 === 4) {
      const line = request('requests', number, atMs, [{ change: 'create-topic', resource: { type: 'topic', name: `orders.${number}` } }], {
        principal: 'User:platform'
      }).line
      events.push(requestEvent(setting, line))
      events.push(
        ...attributed(
          change(number, atMs + 40, 'topic-created', {
            resource: { type: 'topic', name: `orders.${number}`, id: `id-${number}` },
            after: { partitions: 12, replicationFactor: 3 }
          }),
          'User:platform'
        )
      )
    }
    if (number === 70)
      events.push(
        gapEvent(setting, {
          sourceId: 'requests',
          coordinate: 'requests@4711',
          timestampMs: atMs + minutes,
          from: 4_711,
          to: 4_802,
          reason: 'the file was truncated'
        })
      )
  }
  const atMs = morning + 44 * 60 * minutes
  const before = { 'retention.ms': '604800000', 'cleanup.policy': 'delete' }
  const difference = {
    kind: 'config-changed',
    resource: { type: 'topic', name: 'payments.events', id: 'id-of-payments' },
    before,
    after: { ...before, 'retention.ms': '3600000' }
  } as const
  const partitions = [
    { partition: 0, logStartOffset: 100, logEndOffset: 90_000, sizeBytes: 9e7, newestMs: atMs, offsetsFrom: [{ timestampMs: atMs - 36e5, offset: 81_000 }] }
  ]
  const facts = { topic: { atMs, partitions, partitionCount: 1, defaults: {}, configs: before }, acls: null }
  const shorter = { ...change(900, atMs, 'config-changed', difference), consequence: consequenceOf(difference, atMs, facts) }
  events.push(...attributed(shorter, 'User:ops-anna'))
  events.push(
    ...attributed(
      change(901, atMs + 9 * minutes, 'topic-deleted', { resource: { type: 'topic', name: 'ledger.snapshots', id: 'id-9' }, before: { partitions: 6 } }),
      null
    )
  )
  const attacked = access('authorizer', 9_000, atMs + 20 * minutes, {
    principal: `User:${attack}`,
    resourceName: attack,
    request: attack,
    allowed: false,
    rule: attack
  })
  events.push(accessEvent(setting, attacked.line))
  events.push(
    requestEvent(
      setting,
      request('requests', 9_001, atMs + 21 * minutes, [{ resource: { type: 'topic', name: attack } }], { clientId: attack, principal: attack }).line
    )
  )
  const named = change(902, atMs + 22 * minutes, 'config-changed', {
    resource: { type: 'topic', name: attack, id: attack },
    before: { [attack]: attack },
    after: { [attack]: '1' }
  })
  events.push(...attributed(named, attack))
  return events
}

function attributed(input: ChangeInput, who: string | null): AuditEvent[] {
  const event = changeEvent(setting, input as Parameters<typeof changeEvent>[1])
  const candidate = {
    principal: who,
    address: '10.0.0.9',
    clientId: who === attack ? attack : 'adminclient-1',
    operation: 'INCREMENTAL_ALTER_CONFIGS',
    requestUid: 'adminclient-1/17',
    rank: 3,
    hearsay: false,
    evidence: [`requests-0@${input.coordinate}`]
  }
  const judgement = who === null ? ({ certainty: 'none', candidates: [] } as const) : ({ certainty: 'exact', candidates: [candidate] } as const)
  const attribution = attributionEvent(setting, {
    change: openChange(input, event, false),
    judgement,
    decidedForMs: input.timestampMs + minutes,
    watermarks: { metadata: input.timestampMs + minutes },
    early: false,
    forgotten: false,
    toldLate: null
  })
  return [event, attribution]
}

function folded(number: number, atMs: number, principal: string): AuditEvent {
  const minuteMs = Math.floor(atMs / minutes) * minutes
  const coordinate = `authorizer@${minuteMs}/${number}`
  return foldedEvent(setting, {
    kind: 'access',
    sourceId: 'authorizer',
    coordinate,
    minuteMs,
    principal,
    address: '10.0.0.7',
    resourceType: 'Topic',
    resourceName: 'payments.events',
    operation: number % 2 === 0 ? 'READ' : 'WRITE',
    requests: ['Fetch'],
    lines: 40 + number,
    resourceRefCount: 40 + number,
    firstMs: minuteMs,
    lastMs: minuteMs + 59_000,
    firstCoordinate: coordinate,
    lastCoordinate: coordinate,
    early: null,
    corrects: null
  })
}
