import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { alterUserScramCredentialsV0 } from '@platformatic/kafka'
import kafkajs from 'kafkajs'
import { Cluster } from '#shared/kafka/cluster.ts'
import { stack, superUser, unique } from './stack.ts'

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
const scramSha512 = 2 // ScramMechanism
const iterations = 4_096

/** A user of one test file, so that no other test gives or takes its rights. */
export interface ScramUser {
  readonly username: string
  readonly password: string
  readonly principal: string
}

/** Makes a user without any right (KIP-554). */
export async function scramUser(prefix: string): Promise<ScramUser> {
  const username = unique(prefix)
  const password = randomBytes(12).toString('hex')
  const salt = randomBytes(16)
  const saltedPassword = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
  await alter([], [{ name: username, mechanism: scramSha512, iterations, salt, saltedPassword }])
  return { username, password, principal: `User:${username}` }
}

/** Takes users away, and every ACL that names them. */
export async function removeUsers(users: readonly ScramUser[]): Promise<void> {
  await alter(
    users.map(({ username }) => ({ name: username, mechanism: scramSha512 })),
    []
  )
  await Promise.all(users.map(({ principal }) => revoke(principal)))
}

/** Takes ACLs of a principal away: all of them, or those on one resource. */
export async function revoke(
  principal: string,
  resource: {
    readonly resourceType?: kafkajs.AclResourceTypes
    readonly resourceName?: string
    readonly operation?: kafkajs.AclOperationTypes
    readonly permissionType?: kafkajs.AclPermissionTypes
  } = {}
): Promise<void> {
  const client = new kafkajs.Kafka({ brokers: [...stack().brokers], logLevel: kafkajs.logLevel.NOTHING }).admin()
  await client.connect()
  const any = {
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY
  }
  await client.deleteAcls({ filters: [{ ...any, ...resource, principal }] })
  await client.disconnect()
}

async function alter(
  deletions: Parameters<typeof alterUserScramCredentialsV0.api.async>[1],
  upsertions: Parameters<typeof alterUserScramCredentialsV0.api.async>[2]
): Promise<void> {
  const cluster = new Cluster(superUser())
  try {
    const { results } = await cluster.request('any', alterUserScramCredentialsV0.api, deletions, upsertions)
    for (const { errorCode, errorMessage } of results) if (errorCode !== 0) throw new Error(`SCRAM user: ${errorMessage}`)
  } finally {
    await cluster.close()
  }
}
