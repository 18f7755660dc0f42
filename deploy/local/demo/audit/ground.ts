import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Stack } from '#test/support/stack.ts'
import { aclsOf } from '../../acls.ts'
import { output } from '../../commands.ts'

/** Over the listener that asks who is there. */
export function connectionAs({ saslBrokers, principals }: Stack, username: string): KafkaConnection {
  return { brokers: saslBrokers, clientId: `demo-${username}`, sasl: { mechanism: 'SCRAM-SHA-512', username, password: principals[username] ?? '' } }
}

/** Grants the mirror its rights and nothing else, and its reader of the metadata log the one that this needs. Returns the cluster's id. */
export async function prepareCluster(stack: Stack): Promise<string> {
  const kafka = await openKafka({ brokers: stack.brokers, clientId: 'demo-platform-team' })
  try {
    await kafka.admin.createAcls([
      ...aclsOf('audit-mirror', 'User:reeve-audit-mirror'),
      {
        resourceType: 'cluster',
        resourceName: 'kafka-cluster',
        pattern: 'literal',
        principal: 'User:reeve-metadata',
        host: '*',
        operation: 'cluster-action',
        permission: 'allow'
      }
    ])
    // `reeve run` would make it; the mirror reads it.
    await kafka.admin.createTopics([{ name: 'reeve.journal', partitions: 1 }])
    return (await kafka.admin.features()).clusterId
  } finally {
    await kafka.close()
  }
}

/** The level of the authorizer's logger on every broker, by Kafka's own tool: refusals are at INFO, Kafka's default; what was allowed is at DEBUG. */
export async function setAuthorizerLevel({ java, kafkaLibs, brokers, nodes }: Stack, level: 'DEBUG' | 'INFO'): Promise<void> {
  const ids = nodes.filter(({ name }) => name.startsWith('node-')).map(({ name }) => name.slice('node-'.length))
  const tool = [...java, '-XX:TieredStopAtLevel=1', '-Xmx96m', '-cp', `${kafkaLibs}/*`, 'kafka.admin.ConfigCommand', '--bootstrap-server', brokers.join(',')]
  const set = (id: string) => ['--entity-type', 'broker-loggers', '--entity-name', id, '--alter', '--add-config', `kafka.authorizer.logger=${level}`]
  await Promise.all(ids.map(id => output([...tool, ...set(id)])))
}
