import { z } from 'zod'
import type { ChangeKind } from '../../kafka/metadata-log/decode/describe.ts'
import type { AuditEvent } from '../event.ts'
import type { ChangeInput } from '../inputs.ts'
import { type Activity, apiActivities, apiActivity, type Resource, type Setting, type Severity } from '../ocsf.ts'
import { anything, bound } from '../schema-parts.ts'

interface Kind {
  readonly eventType: string
  readonly activity: Activity
  readonly severity: Severity
  /** What is said of the resource. */
  readonly verb: string
}

const { create, update, delete: remove } = apiActivities
const kind = (eventType: string, activity: Activity, verb: string, severity: Severity = 'informational'): Kind => ({ eventType, activity, severity, verb })

/** Every kind of change that the metadata log tells of but records that cannot be read. */
const kinds: Readonly<Record<Exclude<ChangeKind, 'unknown-record'>, Kind>> = {
  'topic-created': kind('topic.created', create, 'was created'),
  'topic-deleted': kind('topic.deleted', remove, 'was deleted', 'medium'),
  'partitions-added': kind('topic.partitions-added', update, 'has more partitions'),
  'partitions-reassigned': kind('topic.partitions-reassigned', update, 'moves to other brokers'),
  'unclean-leader-elected': kind('topic.leader-elected-unclean', update, 'has a leader that was not in sync: records may be lost', 'high'),
  'leader-or-isr-changed': kind('topic.leader-changed', update, 'has other leaders or in-sync replicas'),
  'elr-cleared': kind('topic.elr-cleared', update, 'has no eligible leader replicas any more'),
  'config-changed': kind('config.changed', update, 'has other settings'),
  'acl-added': kind('acl.added', create, 'was added'),
  'acl-removed': kind('acl.removed', remove, 'was removed'),
  'quota-changed': kind('quota.changed', update, 'has other values'),
  'scram-changed': kind('credential.changed', update, 'has a new password'),
  'scram-removed': kind('credential.removed', remove, 'has no password any more'),
  'delegation-token-changed': kind('token.changed', update, 'was issued or renewed'),
  'delegation-token-removed': kind('token.removed', remove, 'was removed'),
  'feature-changed': kind('feature.changed', update, 'has another level'),
  'broker-registered': kind('broker.registered', create, 'was registered'),
  'broker-unregistered': kind('broker.unregistered', remove, 'was unregistered', 'medium'),
  'broker-fenced': kind('broker.fenced', update, 'was fenced'),
  'broker-unfenced': kind('broker.unfenced', update, 'was unfenced'),
  'broker-changed': kind('broker.changed', update, 'changed its registration'),
  'controller-registered': kind('controller.registered', create, 'was registered'),
  'controller-unregistered': kind('controller.unregistered', remove, 'was unregistered'),
  'transaction-aborted': kind('metadata.aborted', apiActivities.other('Abort'), 'did not take effect: the metadata transaction was aborted')
}

export const changeEventTypes: readonly string[] = Object.values(kinds).map(({ eventType }) => eventType)

export const changeUnmapped = z.object({
  before: anything.describe('Null where there was nothing, or where nobody knows.'),
  after: anything.describe('Null where there is nothing any more.'),
  consequence: anything.describe('What follows of it; null where nothing is computed for such a change.'),
  earliestTime: z.number().int().optional().describe('It happened between this and `time`: a scan saw the difference.'),
  records: anything.optional().describe('Where the records are in the metadata log.')
})

const words: Readonly<Record<string, string>> = {
  acl: 'ACL',
  user: 'User',
  topic: 'Topic',
  group: 'Group',
  broker: 'Broker',
  cluster: 'Cluster',
  quota: 'Quota'
}

/** A resource as events name it. */
export function changedResource({ type, name, id }: { readonly type: string; readonly name: string | null; readonly id: string | null }): Resource {
  return { type: words[type] ?? type, name, id }
}

/** A committed change, at once: who made it comes later, in an event of its own. */
export function changeEvent(setting: Setting, input: ChangeInput & { readonly change: { readonly kind: Exclude<ChangeKind, 'unknown-record'> } }): AuditEvent {
  const { change, source, coordinate, timestampMs, earliestMs, records, consequence } = input
  const { eventType, activity, severity, verb } = kinds[change.kind]
  const { type, name, id } = change.resource
  const what = `${words[type] ?? type}${(name ?? id) === null ? '' : ` ${bound(name ?? id ?? '')}`}`
  return apiActivity(setting, {
    eventType,
    source,
    coordinate,
    timestampMs,
    activity,
    severity,
    principal: null,
    address: null,
    operation: change.kind,
    resources: [changedResource(change.resource)],
    status: 'success',
    message: `${what} ${verb}.`,
    unmapped: {
      before: change.before,
      after: change.after,
      consequence,
      earliestTime: earliestMs === timestampMs ? undefined : earliestMs,
      records: records === null ? undefined : { offsets: records.offsets, epoch: records.epoch, transaction: records.transaction }
    }
  })
}
