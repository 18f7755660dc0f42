import type { MemberView } from '../domain/cluster-view.ts'
import { describerOf } from './admin/group-members.ts'
import { Cluster } from './cluster.ts'
import type { KafkaConnection } from './connection.ts'
import { KafkaFault } from './errors.ts'

const groupIdNotFound = 69

/**
 * Members of one group with their assignments, whichever protocol it speaks; asks for DESCRIBE on the group alone, which READ implies. Throws a
 * KafkaFault where the coordinator does not say.
 */
export async function membersOfGroup(connection: KafkaConnection, groupId: string): Promise<readonly MemberView[]> {
  const cluster = new Cluster(connection)
  try {
    const { of, unseen } = await cluster.coordinators('group', [groupId])
    const coordinator = of.get(groupId)
    if (coordinator === undefined)
      throw new KafkaFault('protocol', `coordinator of group ${groupId}: ${unseen.get(groupId) ?? 'not known'}`, { retriable: true })
    for (const protocol of ['consumer', 'classic'] as const) {
      const group = { groupId, protocol, state: 'unknown', consumers: true, coordinator } as const
      const [answer] = await describerOf(group)!(cluster, coordinator, [group])
      if (answer && 'got' in answer) return answer.got.members
      // As Kafka's own admin client asks: a classic group is not found by the first call.
      if (protocol === 'classic' || answer?.errorCode !== groupIdNotFound)
        throw new KafkaFault('protocol', `members of group ${groupId}: ${answer?.why ?? 'no answer'}`, { retriable: true })
    }
    return []
  } finally {
    await cluster.close()
  }
}
