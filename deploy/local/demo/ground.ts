import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { AclEntry } from '#shared/kafka/ports.ts'
import type { Stack } from '#test/support/stack.ts'
import { aclsOf } from '../acls.ts'
import { cast, topics } from './cast.ts'

/** Who the consumers and producers of the demo are to Kafka. */
const appUser = 'app'

export function appConnection(stack: Stack, clientId: string): KafkaConnection {
  return { brokers: stack.saslBrokers, clientId, sasl: { mechanism: 'SCRAM-SHA-512', username: appUser, password: stack.principals[appUser] ?? '' } }
}

/** Makes the topics and grants every principal what the documented lists say, as the super user. */
export async function prepareCluster(stack: Stack): Promise<void> {
  const kafka = await openKafka({ brokers: stack.brokers, clientId: 'demo-platform-team' })
  try {
    await kafka.admin.createAcls([
      ...aclsOf('engine', 'User:reeve-engine'),
      ...aclsOf('doctor', 'User:reeve-engine'),
      ...aclsOf('consumer-guardian', 'User:reeve-consumer-guardian'),
      ...aclsOf('operator', 'User:reeve-operator'),
      ...aclsOf('governed-consumer', `User:${appUser}`),
      ...appAcls()
    ])
    await kafka.admin.createTopics(Object.values(topics).map(({ name, partitions }) => ({ name, partitions })))
  } finally {
    await kafka.close()
  }
}

/** What the teams' own programs need for their work: nothing of Reeve's. */
function appAcls(): AclEntry[] {
  const entry = (resourceType: 'topic' | 'group', resourceName: string, operation: string): AclEntry => ({
    resourceType,
    resourceName,
    pattern: 'literal',
    principal: `User:${appUser}`,
    host: '*',
    operation,
    permission: 'allow'
  })
  return [
    ...Object.values(topics).flatMap(({ name }) => [entry('topic', name, 'read'), entry('topic', name, 'write')]),
    ...cast.map(({ groupId }) => entry('group', groupId, 'read'))
  ]
}

/** A properties file by which Kafka's own tools log in as `app`; the password is in no list of processes. */
export async function writeAppProperties(stack: Stack, folder: string): Promise<string> {
  const file = join(folder, 'app.properties')
  const login = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${appUser}" password="${stack.principals[appUser]}";`
  await writeFile(file, `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=${login}\n`, { mode: 0o600 })
  return file
}
