import type { Facts } from '../facts.ts'
import { type Finding, inArea } from '../finding.ts'
import { isThisMachine } from '../place.ts'

const finding = inArea('redis')

/** Redis holds work in flight only; what makes it forget in silence is an error all the same. */
export function redisFindings({ redis }: Facts): Finding[] {
  const { address, tls, findings } = redis
  const found = findings.flatMap(({ level, what, found: value, expected }): Finding[] => {
    if (level === 'ok') return []
    if (what === 'reachable')
      return [
        finding(
          'error',
          'redis-unreachable',
          `Redis at ${address} does not let Reeve in: ${value}`,
          'Turns then come from a local timer of the leader alone; a take-over starts without what was in flight.',
          'check redis.url, its user and password, and the network'
        )
      ]
    if (what === 'version')
      return [finding('error', 'redis-version', `Redis is ${value}, expected ${expected}`, 'The queue uses commands that it does not have.', 'upgrade Redis')]
    if (what === 'maxmemory-policy')
      return [
        finding(
          level === 'refuse' ? 'error' : 'unknown',
          'redis-eviction',
          `maxmemory-policy is ${value}, expected ${expected}`,
          'Under memory pressure it evicts jobs that it had acknowledged, and says nothing.',
          ['redis-cli config set maxmemory-policy noeviction', 'and in redis.conf: maxmemory-policy noeviction']
        )
      ]
    return [
      finding(
        value === 'unknown' ? 'unknown' : 'warning',
        'redis-persistence',
        `appendonly is ${value}, expected ${expected}`,
        'A restart forgets all work in flight: it costs a turn, and is mended from Kafka.',
        ['redis-cli config set appendonly yes', 'and in redis.conf: appendonly yes']
      )
    ]
  })
  const plain = !tls && !isThisMachine(address)
  const reached = findings.some(({ what, level }) => what === 'reachable' && level === 'ok')
  return [
    ...found,
    ...(plain
      ? [
          finding(
            'warning',
            'redis-plain',
            `Redis at ${address} is reached without TLS`,
            'Its password and the names of groups cross the network in clear.',
            'redis: { url: rediss://… }'
          )
        ]
      : []),
    ...(reached && found.length === 0
      ? [finding('ok', 'redis-right', `Redis ${findings.find(({ what }) => what === 'version')?.found ?? ''} at ${address}: noeviction, appendonly`)]
      : [])
  ]
}
