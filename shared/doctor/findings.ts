import { auditFindings } from './checks/audit.ts'
import { brokerFindings } from './checks/brokers.ts'
import { clockFindings } from './checks/clocks.ts'
import { configurationFindings } from './checks/configuration.ts'
import { connectionFindings } from './checks/connections.ts'
import { missionFindings } from './checks/mission.ts'
import { noticeFindings } from './checks/notices.ts'
import { otherFindings } from './checks/others.ts'
import { ownerFindings } from './checks/owners.ts'
import { powerFindings } from './checks/powers.ts'
import { redisFindings } from './checks/redis.ts'
import { rightsFindings } from './checks/rights.ts'
import { tokenFindings } from './checks/tokens.ts'
import { topicFindings } from './checks/topics.ts'
import { versionFindings } from './checks/versions.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'

/** Everything that can be said of these facts, by area. Pure and total. Where no broker lets Reeve in, what rests on one is not said again. */
export function findings(facts: Facts): readonly Finding[] {
  const connections = connectionFindings(facts)
  const shut = connections.some(({ id }) => id === 'cluster-unreachable')
  const onKafka = [versionFindings, rightsFindings, powerFindings, tokenFindings, topicFindings, brokerFindings, missionFindings, clockFindings]
  return [
    ...connections,
    ...(shut ? [] : onKafka.flatMap(check => check(facts))),
    ...redisFindings(facts),
    ...noticeFindings(facts),
    ...(shut ? [] : ownerFindings(facts)),
    ...(shut ? [] : auditFindings(facts)),
    ...configurationFindings(facts),
    ...(shut ? [] : otherFindings(facts))
  ]
}

/** Whether nothing stands in the way: no error. What is unknown is no error, and not good either. */
export function isSound(found: readonly Finding[]): boolean {
  return found.every(({ severity }) => severity !== 'error')
}
