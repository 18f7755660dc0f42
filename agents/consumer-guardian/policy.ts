import { z } from 'zod'
import { duration, durationBetween } from '#shared/config/duration.ts'
import { matchesGlob } from '#shared/domain/glob.ts'

/** What a group may be paused for. */
export const pauseCauses = ['stuckBehind', 'crashLoop', 'lag'] as const
export type PauseCause = (typeof pauseCauses)[number]

const messages = z.int().positive()
const atLeastASecond = durationBetween({ leastMs: 1_000 })
const globs = z.array(z.string().min(1))

/** What may be said for all groups, and again for some of them. */
const knobs = {
  enabled: z.boolean().meta({ unit: 'yes or no', description: 'Whether these groups are looked at.' }),
  pauseOn: z
    .array(z.enum(pauseCauses))
    .meta({ unit: 'list', description: 'What a group is paused for: stuckBehind, crashLoop, lag. Empty: its owner is told, and nothing is paused.' }),
  lagMessages: messages.meta({ unit: 'messages', description: 'A group is behind on a topic above this lag, summed over the partitions.' }),
  lagFor: atLeastASecond.meta({ unit: 'duration', description: 'It is told once it has been behind for longer than this.' }),
  noProgressFor: atLeastASecond.meta({
    unit: 'duration',
    description: 'It stands still when no commit advanced for this long while there was something to read.'
  }),
  memberChanges: z.int().min(2).meta({
    unit: 'changes',
    description: 'It crash-loops when its members changed this often within memberChangesWithin and its commits stood still all that time.'
  }),
  memberChangesWithin: atLeastASecond.meta({ unit: 'duration', description: 'The window of memberChanges.' }),
  pageLagMessages: messages.meta({ unit: 'messages', description: 'Above this lag a group in trouble pages the on-call.' }),
  incidentLagMessages: messages.meta({ unit: 'messages', description: 'Above this lag it calls an incident commander.' }),
  executiveAfter: atLeastASecond.meta({ unit: 'duration', description: 'After standing still for this long it goes to executives.' }),
  pauseFor: durationBetween({ leastMs: 1_000, mostMs: 86_400_000 }).meta({ unit: 'duration', description: 'A pause ends by itself after this, 1d at most.' }),
  verifyWithin: atLeastASecond.meta({
    unit: 'duration',
    description:
      'Every live member must have acknowledged a pause, or its end, within this, or within two looks where those take longer; else the pause is taken back and a person decides.'
  }),
  trialFor: atLeastASecond.meta({ unit: 'duration', description: 'How long a group is watched after it was given back.' }),
  rebalanceQuietFor: duration.meta({ unit: 'duration', description: 'Nothing is paused sooner than this after a rebalance or a fault of the cluster.' }),
  ackFreshFor: atLeastASecond.meta({
    unit: 'duration',
    description: 'An acknowledgement of a member counts for this long; the SDK repeats it every 10 seconds.'
  }),
  retentionMargin: duration.meta({
    unit: 'duration',
    description: 'A group is given back this long before retention could pass one of its commits, and is not paused where a whole pause would not fit.'
  })
}

const override = z
  .strictObject({
    ...knobs,
    match: globs.min(1).meta({ unit: 'globs', description: 'Names of the groups that this entry is for; the first entry that matches counts.' })
  })
  .partial()
  .required({ match: true })

export const policySchema = z
  .strictObject({
    enabled: knobs.enabled.default(true),
    pauseOn: knobs.pauseOn.default([]),
    lagMessages: knobs.lagMessages.default(1_000_000),
    lagFor: knobs.lagFor.prefault('1h'),
    noProgressFor: knobs.noProgressFor.prefault('30m'),
    memberChanges: knobs.memberChanges.default(3),
    memberChangesWithin: knobs.memberChangesWithin.prefault('10m'),
    pageLagMessages: knobs.pageLagMessages.default(5_000_000),
    incidentLagMessages: knobs.incidentLagMessages.default(10_000_000),
    executiveAfter: knobs.executiveAfter.prefault('1h'),
    pauseFor: knobs.pauseFor.prefault('30m'),
    verifyWithin: knobs.verifyWithin.prefault('60s'),
    trialFor: knobs.trialFor.prefault('10m'),
    rebalanceQuietFor: knobs.rebalanceQuietFor.prefault('5m'),
    ackFreshFor: knobs.ackFreshFor.prefault('60s'),
    retentionMargin: knobs.retentionMargin.prefault('2h'),
    ignore: globs
      .default(['__*', 'console-consumer-*'])
      .meta({ unit: 'globs', description: 'Names of groups that nobody is told about and nothing is done to.' }),
    maxPeeks: z.int().positive().default(300).meta({
      unit: 'reads',
      description: 'At most this many single records are read a turn to learn whether there is something to read; what was not read is unknown.'
    }),
    groups: z.array(override).prefault([]).meta({ unit: 'list', description: 'Other values of the knobs above for some groups.' })
  })
  .superRefine((value, context) => {
    const entries = [
      { path: [] as (string | number)[], knob: value },
      ...value.groups.map((group, index) => ({ path: ['groups', index], knob: { ...value, ...given(group) } }))
    ]
    for (const { path, knob } of entries) {
      const complain = (name: string, message: string): void => context.addIssue({ code: 'custom', path: [...path, name], message })
      if (knob.pageLagMessages < knob.lagMessages) complain('pageLagMessages', `${knob.pageLagMessages} is below lagMessages (${knob.lagMessages})`)
      if (knob.incidentLagMessages < knob.pageLagMessages)
        complain('incidentLagMessages', `${knob.incidentLagMessages} is below pageLagMessages (${knob.pageLagMessages})`)
      if (knob.executiveAfter < knob.noProgressFor) complain('executiveAfter', 'is shorter than noProgressFor')
      if (knob.verifyWithin >= knob.pauseFor) complain('verifyWithin', 'is not shorter than pauseFor')
      if (knob.verifyWithin > knob.trialFor) complain('verifyWithin', 'is longer than trialFor')
    }
  })

export type Policy = z.output<typeof policySchema>
export type GroupPolicy = Omit<Policy, 'ignore' | 'maxPeeks' | 'groups'>

/** What holds for one group: the first entry of `groups` that names it, over the values for all. */
export function policyFor(policy: Policy, groupId: string): GroupPolicy {
  const { ignore, maxPeeks: _, groups, ...everywhere } = policy
  const entry = groups.find(({ match }) => match.some(glob => matchesGlob(glob, groupId)))
  const merged: GroupPolicy = { ...everywhere, ...(entry && given(entry)) }
  return ignore.some(glob => matchesGlob(glob, groupId)) ? { ...merged, enabled: false } : merged
}

/** The knobs that an entry sets. */
function given(entry: z.output<typeof override>): Partial<GroupPolicy> {
  const { match: _, ...set } = entry
  return Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined))
}
