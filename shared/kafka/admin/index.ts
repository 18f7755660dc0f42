import { Cluster } from '../cluster.ts'
import type { KafkaConnection } from '../connection.ts'
import type { Admin } from '../ports.ts'
import { acls, createAcls } from './acls.ts'
import { alterConfigs, configs, topicConfigs } from './configs.ts'
import { features } from './features.ts'
import { logDirs } from './log-dirs.ts'
import { offsetForTimestamp } from './offset-for-timestamp.ts'
import { alterQuotas, quotas } from './quotas.ts'
import { reassignments } from './reassignments.ts'
import { scan } from './scan.ts'
import { createTopics, deleteTopicById } from './topics.ts'

/**
 * Opens an Admin and proves that the cluster answers, so that a wrong address or password is known now. A Cluster that is
 * handed in stays its owner's: closing the Admin leaves it open. Throws KafkaFault.
 */
export async function openAdmin(to: KafkaConnection | Cluster): Promise<Admin> {
  const cluster = to instanceof Cluster ? to : new Cluster(to)
  const close = async (): Promise<void> => {
    if (cluster !== to) await cluster.close()
  }
  try {
    await cluster.metadata([])
  } catch (error) {
    await close()
    throw error
  }
  return {
    scan: options => scan(cluster, options),
    features: () => features(cluster),
    topicConfigs: topics => topicConfigs(cluster, topics),
    configs: resources => configs(cluster, resources),
    alterConfigs: (resource, changes) => alterConfigs(cluster, resource, changes),
    acls: () => acls(cluster),
    createAcls: entries => createAcls(cluster, entries),
    quotas: () => quotas(cluster),
    alterQuotas: (entity, changes) => alterQuotas(cluster, entity, changes),
    logDirs: () => logDirs(cluster),
    reassignments: () => reassignments(cluster),
    createTopics: topics => createTopics(cluster, topics),
    deleteTopicById: topicId => deleteTopicById(cluster, topicId),
    offsetForTimestamp: (topic, partition, timestampMs) => offsetForTimestamp(cluster, topic, partition, timestampMs),
    close
  }
}
