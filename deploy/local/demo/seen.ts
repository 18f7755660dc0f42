/** What the demo has seen so far, from places that do not depend on each other. Plain data, for the screen and for the judge. */
export interface Seen {
  readonly atMs: number
  readonly groups: ReadonlyMap<string, GroupSeen>
  /** From the journal topic. */
  readonly pauses: readonly PauseSeen[]
  /** From the Slack sink. */
  readonly messages: readonly MessageSeen[]
  readonly replies: readonly ReplySeen[]
  /** Refusals of Reeve's principals in the authorizers' logs; null where those cannot be read. */
  readonly refusals: readonly string[] | null
}

export interface GroupSeen {
  /** From /readyz: each change of state, oldest first. */
  readonly verdicts: readonly VerdictSeen[]
  /** From Kafka's admin API. */
  readonly protocol: string | null
  readonly largestLagMessages: number | null
  /** Sum of its commits at each look, oldest first. */
  readonly commits: readonly { readonly atMs: number; readonly total: number }[]
}

export interface VerdictSeen {
  readonly state: string
  /** The latest reason given for this state. */
  readonly why: string
  readonly lagMessages: number | null
  readonly atMs: number
}

export interface PauseSeen {
  readonly key: string
  readonly groupId: string
  readonly cause: string
  readonly appliedAtMs: number
  readonly givenBackAtMs: number | null
  /** Why it was given back. */
  readonly why: string | null
}

export interface MessageSeen {
  readonly channel: string
  readonly atMs: number
  readonly title: string
  /** The whole message as one text. */
  readonly text: string
}

/** What an owner did about a pause. */
export interface ReplySeen {
  readonly groupId: string
  /** When the consumer was repaired, before the answer. */
  readonly repairedAtMs: number
  readonly command: string
  readonly exitCode: number | string | null
  readonly output: string
}

export function latest(seen: Seen, groupId: string): VerdictSeen | undefined {
  return seen.groups.get(groupId)?.verdicts.at(-1)
}

/** Messages that name a group, in title or text, as a whole word. */
export function messagesAbout(seen: Seen, groupId: string): readonly MessageSeen[] {
  return seen.messages.filter(({ title }) => title.split(/\s+/).includes(groupId))
}
