import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaConnection } from '../kafka/connection.ts'
import { membersOfGroup } from '../kafka/group-members.ts'
import { errorText, type SdkLog } from './log.ts'
import type { Identity } from './member.ts'

export type Assignment = Readonly<Record<string, readonly number[]>>

interface Candidate extends Identity {
  readonly assigned: ReadonlyMap<string, readonly number[]>
}

/**
 * Which member this process is, where its client does not tell: the one that holds exactly its partitions, since no two members hold the
 * same. One without partitions is told by its client id, if no other such member has it. Null: not to be told now.
 */
export function ownMember(members: readonly Candidate[], assignment: Assignment, clientId: string): Identity | null {
  const name = (assigned: Iterable<readonly [string, readonly number[]]>): string =>
    [...assigned]
      .flatMap(([topic, partitions]) => partitions.map(partition => `${topic}-${partition}`))
      .toSorted()
      .join()
  const mine = name(Object.entries(assignment))
  const alike = members.filter(({ assigned, ...member }) => name(assigned) === mine && (mine !== '' || member.clientId === clientId))
  const [only, another] = alike
  return only && !another ? { memberId: only.memberId, clientId: only.clientId } : null
}

const retry = { firstMs: 200, maxMs: 5_000 }

/** Asks the group's coordinator until it tells which member this is. Null when `signal` ends it; never rejects. */
export async function findOwnMember(
  { connection, groupId, log, clientId }: { readonly connection: KafkaConnection; readonly groupId: string; readonly log: SdkLog; readonly clientId: string },
  assignment: Assignment,
  signal: AbortSignal
): Promise<Identity | null> {
  let why = 'no member has the partitions of this one'
  for (let waitMs = retry.firstMs; !signal.aborted; waitMs = Math.min(waitMs * 2, retry.maxMs)) {
    try {
      const found = ownMember(await membersOfGroup(connection, groupId), assignment, clientId)
      if (found) return found
    } catch (error) {
      why = errorText(error)
    }
    if (waitMs >= retry.maxMs)
      log.warn({ groupId, why }, 'which member of its group this consumer is cannot be told, so it cannot acknowledge; it obeys all the same')
    await sleep(waitMs, undefined, { signal }).catch(() => undefined)
  }
  return null
}
