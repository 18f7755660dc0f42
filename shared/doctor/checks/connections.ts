import { type AddressFacts, type Facts, known } from '../facts.ts'
import { counted, type Finding, inArea, listed } from '../finding.ts'
import { releaseOf } from '../releases.ts'

const finding = inArea('connections')

const remedies: Readonly<Record<string, string>> = {
  unreachable: 'check the network and firewall from this host, and advertised.listeners of the broker',
  tls: 'check cluster.tls: the authority in caFile, the name in servername, and that this listener speaks TLS',
  authentication: 'check the mechanism, user and password in cluster.sasl',
  timeout: 'the broker took the connection and did not answer: does this listener expect TLS or SASL?'
}

/** Whether every broker can be reached, each by itself, and what the scan made of it. */
export function connectionFindings(facts: Facts): Finding[] {
  const { addresses } = facts
  const bootstrap = addresses.filter(each => each.bootstrap)
  const brokers = addresses.filter(({ broker }) => broker !== null)
  const silent = bootstrap.filter(({ answer, broker }) => 'why' in answer && broker === null)
  if (bootstrap.every(({ answer }) => 'why' in answer)) return [unreachable(bootstrap)]
  return [
    ...silent.map(({ address, answer }) =>
      finding(
        'warning',
        'bootstrap-silent',
        `${address} of cluster.brokers does not answer: ${'why' in answer ? answer.why : ''}`,
        'Reeve starts by the other addresses; where those are down it would not start.',
        remedyOf(answer)
      )
    ),
    ...brokers.flatMap(({ address, broker, answer }) =>
      'why' in answer
        ? [
            finding(
              'error',
              'broker-silent',
              `broker ${broker} advertises ${address}, which does not answer: ${answer.why}`,
              'What it leads is not seen, what it coordinates cannot be written: nothing is done about those groups.',
              remedyOf(answer)
            )
          ]
        : []
    ),
    ...down(facts),
    ...partial(facts),
    ...answering(facts)
  ]
}

function unreachable(addresses: readonly AddressFacts[]): Finding {
  const why = addresses.map(({ address, answer }) => `${address}: ${'why' in answer ? answer.why : ''}`)
  return finding('error', 'cluster-unreachable', 'no broker of cluster.brokers lets Reeve in', why, [
    ...new Set(addresses.map(({ answer }) => remedyOf(answer)))
  ])
}

function remedyOf(answer: AddressFacts['answer']): string {
  return remedies['why' in answer ? (answer.kind ?? '') : ''] ?? 'check cluster.brokers, cluster.sasl and cluster.tls'
}

/** A broker that is down is listed nowhere, but named where it holds replicas. */
function down({ view }: Facts): Finding[] {
  const seen = known(view)
  const missing = seen?.unseen.filter(({ kind, why }) => kind === 'broker' && why.includes('does not list it')) ?? []
  if (seen === null || missing.length === 0) return []
  const partitions = [...seen.topics.values()].flatMap(topic => topic.partitions)
  const leaderless = partitions.filter(({ leader }) => leader === null).length
  const behind = partitions.filter(({ inSyncReplicas, replicas }) => inSyncReplicas < replicas).length
  return [
    finding(
      'error',
      'broker-down',
      `${listed(missing.map(({ id }) => `broker ${id}`))} ${missing.length === 1 ? 'is' : 'are'} down or fenced`,
      `${counted(behind, 'partition')} of ${partitions.length} lack a replica in sync, ${leaderless} have no leader: nothing is done about groups that read those.`,
      'start the broker, or reassign its replicas'
    )
  ]
}

/** What the scan asked for and did not get, for whatever reason that is not told already. */
function partial({ view }: Facts): Finding[] {
  if ('why' in view) return [finding('unknown', 'scan-partial', `the cluster could not be scanned: ${view.why}`)]
  const unseen = view.value.unseen.filter(({ kind }) => kind !== 'broker')
  if (unseen.length === 0) return []
  return [
    finding(
      'unknown',
      'scan-partial',
      `the scan did not see ${counted(unseen.length, 'part')} of the cluster: ${listed(unseen.map(({ kind, id }) => `${kind} ${id}`))}`,
      [...new Set(unseen.map(({ why }) => why))].slice(0, 5).concat('Nothing is done about what was not seen.')
    )
  ]
}

function answering({ addresses }: Facts): Finding[] {
  const answers = addresses.flatMap(({ broker, answer }) => ('value' in answer && broker !== null ? [answer.value] : []))
  if (answers.length === 0) return []
  const slowest = Math.max(...answers.map(({ tookMs }) => tookMs))
  const releases = new Set(answers.map(({ supported }) => releaseOf(supported)))
  const each = `${counted(answers.length, 'broker')} answer${answers.length === 1 ? 's' : ''}, each by itself`
  return [finding('ok', 'brokers-answer', `${each}, the slowest after ${Math.round(slowest)} ms; Kafka ${[...releases].join(', ')}`)]
}
