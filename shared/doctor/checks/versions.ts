import type { BrokerAnswer } from '../../kafka/examine/broker.ts'
import { upgradeFeature } from '../commands.ts'
import type { Facts } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'
import { metadataLevels, releaseOf, tested } from '../releases.ts'

const finding = inArea('connections')

/** Whether each broker is one that Reeve was tried with, and what its cluster has switched on. */
export function versionFindings({ addresses, config }: Facts): Finding[] {
  const answers = addresses.flatMap(({ broker, answer }) => ('value' in answer && broker !== null ? [{ broker, ...answer.value }] : []))
  if (answers.length === 0) return []
  const releases = Map.groupBy(answers, ({ supported }) => releaseOf(supported))
  return [
    ...answers.flatMap(({ broker, missingApis }) => (missingApis.length > 0 ? [tooOld(broker, missingApis)] : [])),
    ...[...releases].flatMap(([release, of]) => version(release, of)),
    ...(releases.size > 1 ? [mixed(releases)] : []),
    ...featureFindings(config.cluster.brokers, answers)
  ]
}

function tooOld(broker: number, missing: readonly string[]): Finding {
  return finding(
    'error',
    'request-unknown',
    `broker ${broker} does not understand ${counted(missing.length, 'request')} of Reeve's: ${listed(missing)}`,
    'That part of Reeve fails there.',
    'upgrade the broker'
  )
}

function mixed(releases: ReadonlyMap<string, readonly { readonly broker: number }[]>): Finding {
  const each = [...releases].map(([release, of]) => `${release} (${listed(of.map(({ broker }) => String(broker)))})`)
  return finding(
    'warning',
    'version-mixed',
    `the brokers are of different releases: ${each.join(', ')}`,
    'Fine during a rolling upgrade; features stay at the level of the oldest.'
  )
}

function version(release: string, brokers: readonly { readonly broker: number; readonly supported: Readonly<Record<string, number>> }[]): Finding[] {
  const level = brokers[0]!.supported['metadata.version'] ?? 0
  const [least, most] = [metadataLevels[tested.least]!, metadataLevels[tested.most]!]
  if (level >= least && level <= most) return []
  const where = `Kafka ${release} on ${listed(brokers.map(({ broker }) => `broker ${broker}`))}`
  return [
    finding(
      'warning',
      'version-untested',
      `${where}: Reeve is tested with ${tested.least} to ${tested.most}`,
      release === 'unknown'
        ? 'It does not say what it is: an old Kafka, or something else that speaks its protocol.'
        : `It is ${level > most ? 'later' : 'older'} than anything that Reeve was tried with; requests have changed between releases before.`,
      level > most ? 'look for a later release of Reeve; until then leave act: false' : 'until it is upgraded leave act: false'
    )
  ]
}

/** A feature can be raised to what every broker supports, and no further. */
function featureFindings(brokers: readonly string[], answers: readonly Pick<BrokerAnswer, 'finalized' | 'supported'>[]): Finding[] {
  const level = (name: string) => Math.max(...answers.map(({ finalized }) => finalized[name] ?? 0))
  const most = (name: string) => Math.min(...answers.map(({ supported }) => supported[name] ?? 0))
  return [
    ...(level('transaction.version') < 2
      ? [
          finding(
            'warning',
            'transactions-old',
            `transaction.version is ${level('transaction.version')}, expected 2`,
            'Without it a late marker of an old transaction can end a new one (KIP-890). Reeve then starts a new epoch after every error whose outcome is not known.',
            most('transaction.version') < 2 ? 'upgrade every broker to Kafka 4.0 or later' : upgradeFeature(brokers, 'transaction.version', 2)
          )
        ]
      : []),
    ...(level('group.version') < 1
      ? [finding('note', 'groups-classic', 'group.version is 0: consumers cannot use the new protocol (KIP-848)', 'Reeve governs classic groups as well.')]
      : []),
    ...(level('metadata.version') < most('metadata.version')
      ? [
          finding(
            'note',
            'upgrade-unfinished',
            `metadata.version is ${level('metadata.version')}, the brokers support ${most('metadata.version')}`,
            'The brokers were upgraded, their features were not.',
            upgradeFeature(brokers, 'metadata.version', most('metadata.version'))
          )
        ]
      : [])
  ]
}
