import {
  type AclOperationValue,
  type AclPermissionTypeValue,
  createAclsV3,
  describeAclsV3,
  type ResourcePatternTypeValue,
  type ResourceTypeValue
} from '@platformatic/kafka'
import { operationNames, patterns, permissions, resourceTypes } from '../acl-words.ts'
import type { Cluster } from '../cluster.ts'
import { KafkaFault } from '../errors.ts'
import type { AclEntry } from '../ports.ts'
import { checkAnswer } from './faults.ts'

const any = 1

/** Every ACL of the cluster. Needs DESCRIBE on the cluster; where no authorizer runs, throws SECURITY_DISABLED. */
export async function acls(cluster: Cluster): Promise<AclEntry[]> {
  const filter = { resourceType: any, resourceName: null, resourcePatternType: any, principal: null, host: null, operation: any, permissionType: any } as const
  const response = await cluster.request('any', describeAclsV3.api, filter)
  checkAnswer(response.errorCode, response.errorMessage, 'ACLs')
  return response.resources.flatMap(({ resourceType, resourceName, resourcePatternType, acls: entries }) =>
    entries.map(({ principal, host, operation, permissionType }) => ({
      resourceType: named(resourceTypes, resourceType, 'resource type') as AclEntry['resourceType'],
      resourceName,
      pattern: named(patterns, resourcePatternType, 'pattern') as AclEntry['pattern'],
      principal,
      host,
      operation: named(operationNames, operation, 'operation'),
      permission: named(permissions, permissionType, 'permission') as AclEntry['permission']
    }))
  )
}

/** Adds entries; one that is there already stays as it is. Throws at the first that is refused: those before it may have been added. */
export async function createAcls(cluster: Cluster, entries: readonly AclEntry[]): Promise<void> {
  if (entries.length === 0) return
  const creations = entries.map(({ resourceType, resourceName, pattern, principal, host, operation, permission }) => ({
    resourceType: coded(resourceTypes, resourceType, 'resource type') as ResourceTypeValue,
    resourceName,
    resourcePatternType: coded(patterns, pattern, 'pattern') as ResourcePatternTypeValue,
    principal,
    host,
    operation: coded(operationNames, operation, 'operation') as AclOperationValue,
    permissionType: coded(permissions, permission, 'permission') as AclPermissionTypeValue
  }))
  const { results } = await cluster.request('any', createAclsV3.api, creations)
  results.forEach(({ errorCode, errorMessage }, index) => {
    const entry = entries[index]
    checkAnswer(errorCode, errorMessage, `ACL ${entry?.permission} ${entry?.principal} ${entry?.operation} on ${entry?.resourceType} ${entry?.resourceName}`)
  })
}

function named<Name extends string>(names: readonly Name[], code: number, what: string): Name {
  const name = names[code]
  if (code <= any || name === undefined) throw new KafkaFault('protocol', `ACLs: ${what} ${code} is not known to this build`)
  return name
}

function coded(names: readonly string[], name: string, what: string): number {
  const code = names.indexOf(name)
  if (code <= any) throw new KafkaFault('protocol', `ACLs: expected ${what} to be one of ${names.slice(any + 1).join(', ')}, found ${JSON.stringify(name)}`)
  return code
}
