import { matchesGlob } from './glob.ts'

/** How much a group's trouble may escalate: the owner's team registers it, never the group's own lag. */
export type Criticality = 'low' | 'normal' | 'high' | 'critical'

/** One rule of the registry; the first that matches wins. */
export interface OwnerRule {
  readonly team: string
  /** Name of a channel in the configuration's `notify`. */
  readonly channel: string
  readonly criticality: Criticality
  /** Globs over group names. */
  readonly groups: readonly string[]
  /** Globs over topic names. */
  readonly topics: readonly string[]
}

/** Who answers for a group: the rule that names the group, else the one that owns a topic it reads; null when nobody is registered. */
export function ownerOfGroup(
  rules: readonly OwnerRule[],
  groupId: string,
  topics: Iterable<string> = []
): { readonly rule: OwnerRule; readonly by: 'group' | 'topic' } | null {
  const byGroup = rules.find(rule => rule.groups.some(glob => matchesGlob(glob, groupId)))
  if (byGroup) return { rule: byGroup, by: 'group' }
  for (const topic of topics) {
    const byTopic = rules.find(rule => rule.topics.some(glob => matchesGlob(glob, topic)))
    if (byTopic) return { rule: byTopic, by: 'topic' }
  }
  return null
}

/** Who answers for a topic: the first rule that names it; null when nobody is registered. */
export function ownerOfTopic(rules: readonly OwnerRule[], topic: string): OwnerRule | null {
  return rules.find(rule => rule.topics.some(glob => matchesGlob(glob, topic))) ?? null
}
