import type { AuditFacts } from '../audit-facts.ts'
import { guardOf } from '../audit-guard.ts'
import { type Facts, known } from '../facts.ts'
import type { Finding } from '../finding.ts'
import { auditCapacityFindings } from './audit-capacity.ts'
import { auditPowerFindings } from './audit-powers.ts'
import { auditSourceFindings } from './audit-sources.ts'
import { auditDriftFindings, auditTopicFindings } from './audit-topic.ts'
import { auditTrustFindings } from './audit-trust.ts'

/** What each audit log of the configuration stands on: its topic, who could destroy it, how long its disks last, its keys, anchors and sources. */
export function auditFindings(facts: Facts): Finding[] {
  return facts.audits.flatMap(audit => {
    const report = guardOf(facts, audit)
    return [
      ...auditTopicFindings(facts, audit, report),
      ...earlier(facts, audit),
      ...auditPowerFindings(facts, audit, report),
      ...auditCapacityFindings(facts, audit),
      ...auditTrustFindings(facts, audit),
      ...auditSourceFindings(facts, audit)
    ]
  })
}

/** The topic that it goes on from keeps its records for ten years as well. Those before that one stand in no configuration. */
function earlier(facts: Facts, audit: AuditFacts): Finding[] {
  const { continues } = audit.ground
  const found = continues === null ? undefined : known(facts.view)?.topics.get(continues)
  if (!found) return []
  const before = { ...audit, ground: { ...audit.ground, topic: found.name, partitions: found.partitions.length } }
  return auditDriftFindings(facts, before, guardOf(facts, before).drift)
}
