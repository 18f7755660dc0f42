import { guardOf } from '../audit-guard.ts'
import type { Facts } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { auditCapacityFindings } from './audit-capacity.ts'
import { auditPowerFindings } from './audit-powers.ts'
import { auditSourceFindings } from './audit-sources.ts'
import { auditTopicFindings } from './audit-topic.ts'
import { auditTrustFindings } from './audit-trust.ts'

/** What each audit log of the configuration stands on: its topic, who could destroy it, how long its disks last, its keys, anchors and sources. */
export function auditFindings(facts: Facts): Finding[] {
  return facts.audits.flatMap(audit => {
    const report = guardOf(facts, audit)
    return [
      ...auditTopicFindings(facts, audit, report),
      ...auditPowerFindings(facts, audit, report),
      ...auditCapacityFindings(facts, audit),
      ...auditTrustFindings(facts, audit),
      ...auditSourceFindings(facts, audit)
    ]
  })
}
