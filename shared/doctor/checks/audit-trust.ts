import { keyNameOf } from '../../audit-log/place.ts'
import type { AuditFacts } from '../audit-facts.ts'
import { type Facts, known } from '../facts.ts'
import { type Finding, inArea, listed } from '../finding.ts'

const finding = inArea('audit')

/** Whether the log proves anything to whoever does not trust its writer: keys that sign it, and places outside that keep what they sign. */
export function auditTrustFindings(facts: Facts, audit: AuditFacts): Finding[] {
  return [...keys(facts, audit), ...anchors(audit)]
}

function keys(facts: Facts, { agent, ground, keys: seen, signers: asked, metadata }: AuditFacts): Finding[] {
  const { topic, prefix } = ground
  const at = `agents.${agent}.policy`
  const found: Finding[] = []
  if (metadata && 'why' in metadata.hashKey)
    found.push(
      finding(
        'error',
        'audit-key',
        `${at}.hashKey: expected a key of at least 32 bytes beside metadata: ${metadata.hashKey.why}`,
        'Without it nothing could stand for the secrets of the metadata log; the mirror does not start.',
        `head -c 32 /dev/urandom | base64 > audit-hash-key, and hashKey: '\${file:…}'`
      )
    )
  if ('why' in seen) return [...found, finding('error', 'audit-key', `a key of ${at}.keys cannot be used: ${seen.why}`, 'The mirror does not start.')]
  if (ground.keys.length === 0) {
    const name = keyNameOf({ prefix, clusterId: known(facts.view)?.clusterId ?? '<id of the cluster>' })
    return [
      ...found,
      finding('error', 'audit-key', `${at}.keys is empty: nothing would sign checkpoints`, 'The mirror does not start.', [
        `reeve audit keygen audit-key --name ${name}`,
        `agents: { ${agent}: { policy: { keys: ['\${file:/…/audit-key}'] } } }`
      ])
    ]
  }
  if ('why' in asked) return [...found, finding('unknown', 'audit-key', `whether the keys of ${at}.keys are those of ${topic} is not known: ${asked.why}`)]
  const strange = [...asked.value].flatMap(([partition, signers]) =>
    (signers ?? []).filter(vkey => !seen.value.includes(vkey)).map(vkey => ({ partition, vkey }))
  )
  if (strange.length > 0)
    return [
      ...found,
      finding(
        'error',
        'audit-key',
        `${topic} is signed by ${listed([...new Set(strange.map(({ vkey }) => vkey))])}, which is none of ${at}.keys`,
        [
          'The mirror does not go on with a log that it cannot sign: a key hands over to the next one while both are there.',
          `The keys are ${listed(seen.value)}.`
        ],
        `add the private key of ${strange[0]!.vkey.split('+').slice(0, 2).join('+')} in front of the others in ${at}.keys, until the log has handed over`
      )
    ]
  const begun = [...asked.value.values()].some(signers => signers !== null)
  return [...found, finding('ok', 'audit-key', begun ? `${topic} is signed by a key of the configuration` : `${seen.value.at(-1)!} will sign ${topic}`)]
}

function anchors({ agent, ground: { topic }, anchors: all }: AuditFacts): Finding[] {
  const each = all.flatMap(({ name, kind, checked }) => {
    const what = `anchor ${name}${name === kind ? '' : ` (${kind})`}`
    if ('why' in checked)
      return [
        finding(
          'error',
          'audit-anchor',
          `${what} cannot be used: ${checked.why}`,
          'Checkpoints wait until it can; what was not anchored can be rewritten unseen.'
        )
      ]
    return [
      checked.value.length > 0
        ? finding('warning', 'audit-anchor', `${what}: ${checked.value.join('; ')}`)
        : finding('ok', 'audit-anchor', `${what} can be used`)
    ]
  })
  if (all.some(({ outside }) => outside)) return each
  return [
    ...each,
    finding(
      'warning',
      'audit-unanchored',
      `${topic} has no anchor outside the cluster: it is SELF-ATTESTED`,
      'Who administers the cluster and Reeve could write another log in its place, and nobody would see it; `reeve audit verify` fails unless it is told --allow-unanchored.',
      `agents: { ${agent}: { policy: { anchors: [{ s3: { bucket: … } }] } } }, or directory, rfc3161, webhook: shared/anchors/README.md`
    )
  ]
}
