import type { JsonValue } from '#shared/domain/json.ts'
import { changes, doomedTopic, ledgerTopic, oldRecords, plantedRetentionMs, platformTeam, retentionMs, stranger, youngRecords } from './script.ts'
import type { EventSeen, ProofName, ProofSeen, Seen } from './seen.ts'

export const startMs = Date.parse('2026-03-02T09:00:00Z')

type Facts = Partial<EventSeen> & Pick<EventSeen, 'eventType'>

/** A run in which everything went as it should, for tests. */
export function goodRun(): Seen {
  const events = scene().map((facts, index): EventSeen => {
    const sequence = 100 + index
    const base = { causationId: null, timestampMs: startMs + 1_000 * index, who: null, what: null, where: null, how: 'how', why: null, result: 'Success' }
    return { ...base, unmapped: {}, ...facts, sequence, eventId: facts.eventId ?? `event-${sequence}` }
  })
  const size = 100 + events.length
  return {
    atMs: startMs + 60_000,
    sinceMs: startMs,
    events,
    checkpoints: 9,
    checkpointed: size,
    anchor: { checkpoints: 9, size },
    acts: [{ atMs: startMs, what: 'the topic is created' }],
    proofs: proofs(size),
    refusals: []
  }
}

function scene(): Facts[] {
  const topic = (name: string) => ({ type: 'Topic', name })
  const made = (eventId: string, name: string | null, certainty = 'probable'): Facts => ({
    eventType: certainty === 'none' ? 'change.unattributed' : 'change.attributed',
    causationId: eventId,
    what: topic(name ?? ''),
    who: certainty === 'none' ? null : platformTeam,
    where: certainty === 'none' ? null : '127.0.0.1',
    unmapped: { certainty }
  })
  const retention = (after: string, offsetsNewlyDeletable: number): Record<string, JsonValue> => ({
    before: { 'retention.ms': '604800000' },
    after: { 'retention.ms': after },
    consequence: {
      retention: { retentionMs: { before: 604_800_000, after: Number(after) }, offsetsNewlyDeletable, deletableFrom: '2026-03-02T09:00:01.000Z' }
    }
  })
  const acl = { principal: stranger, resourceName: doomedTopic, operation: 'describe', permission: 'allow' }
  const gains = { effect: 'gains', principal: stranger, operations: ['describe'], resourceName: doomedTopic }
  return [
    { eventType: 'topic.created', eventId: 'created', what: topic(doomedTopic) },
    { eventType: 'config.changed', eventId: 'shortened', what: topic(doomedTopic), unmapped: retention(retentionMs, oldRecords) },
    { eventType: 'acl.added', eventId: 'allowed', what: { type: 'ACL', name: null }, unmapped: { before: null, after: acl, consequence: gains } },
    { eventType: 'access.denied', what: topic(doomedTopic), who: stranger, where: '127.0.0.1', how: 'READ', result: 'Failure' },
    {
      eventType: 'topic.deleted',
      eventId: 'deleted',
      what: topic(doomedTopic),
      unmapped: { consequence: { irreversible: true, offsets: oldRecords + youngRecords + 1 } }
    },
    ...['created', 'shortened', 'allowed', 'deleted'].map(eventId => made(eventId, doomedTopic)),
    { eventType: 'config.changed', eventId: 'planted', what: topic(ledgerTopic), unmapped: retention(plantedRetentionMs, 0) },
    made('planted', ledgerTopic, 'none'),
    // What happened before the scene is the cluster's past.
    { eventType: 'change.unattributed', timestampMs: startMs - 1, what: topic('older') }
  ]
}

function proofs(size: number): ProofSeen[] {
  const proof = (name: ProofName, facts: Partial<ProofSeen> = {}): ProofSeen => ({
    name,
    title: `About ${name}`,
    command: `reeve audit ${name}`,
    exitCode: 0,
    state: 'proven',
    size,
    anchored: size,
    fault: null,
    forgedSequence: null,
    words: '',
    ...facts
  })
  const wrong = { exitCode: 7, state: 'doubtful' }
  return [
    proof('topic'),
    proof('export'),
    proof('exported'),
    proof('flipped', { ...wrong, forgedSequence: 101, fault: { sequence: 101, reason: 'the fingerprint is another' } }),
    proof('cut-alone', { exitCode: 8, state: 'unanchored', anchored: 0, size: 103 }),
    proof('cut', { ...wrong, forgedSequence: 103, fault: { sequence: 103, reason: 'CUT: the anchor holds more' }, size: 103 })
  ]
}

export const everyChange = changes.map(({ about }) => about)
