import { stringify } from 'yaml'
import { cast, platformChannel, teams } from './cast.ts'

/** Seconds in place of hours. The lag that counts as far behind stays the mission's. */
export const demoPolicy = {
  pauseOn: ['stuckBehind', 'crashLoop'],
  lagMessages: 1_000_000,
  lagFor: '10s',
  noProgressFor: '10s',
  memberChanges: 3,
  memberChangesWithin: '30s',
  pauseFor: '10m',
  verifyWithin: '20s',
  trialFor: '20s',
  rebalanceQuietFor: '5s'
}
/** Short, as a scan that this machine is slow to answer makes it up to four times as long. */
export const intervalSeconds = 2

export interface Place {
  readonly saslBrokers: readonly string[]
  readonly redisUrl: string
  /** Address of the Slack webhook of a channel. */
  webhook(channel: string): string
}

/** The configuration that the demo's Reeve runs with, as YAML. Passwords and webhooks come from the environment, as an operator's do. */
export function configurationText(): string {
  return stringify(
    {
      version: 1,
      cluster: { brokers: ['${DEMO_BROKERS}'], sasl: { mechanism: 'SCRAM-SHA-512', username: '${REEVE_KAFKA_USER}', password: '${REEVE_KAFKA_PASSWORD}' } },
      redis: { url: '${DEMO_REDIS_URL}' },
      observer: { interval: `${intervalSeconds}s` },
      owners: teams.map(team => ({ team, channel: team, criticality: 'high', ...ownedBy(team) })),
      notify: {
        platformChannel,
        channels: Object.fromEntries([platformChannel, ...teams].map(channel => [channel, { slackWebhook: `\${${webhookVariable(channel)}}` }]))
      },
      agents: {
        'consumer-guardian': {
          act: true,
          sasl: { mechanism: 'SCRAM-SHA-512', username: 'reeve-consumer-guardian', password: '${REEVE_CONSUMER_GUARDIAN_PASSWORD}' },
          policy: demoPolicy
        }
      },
      http: { host: '127.0.0.1', port: 0 }
    },
    { lineWidth: 0 }
  )
}

/** What `configurationText` takes from the environment, for the given user of the cluster. */
export function configurationEnvironment(place: Place, user: string, passwords: Readonly<Record<string, string>>): Record<string, string> {
  return {
    DEMO_BROKERS: place.saslBrokers.join(','),
    DEMO_REDIS_URL: place.redisUrl,
    REEVE_KAFKA_USER: user,
    REEVE_KAFKA_PASSWORD: passwords[user] ?? '',
    REEVE_CONSUMER_GUARDIAN_PASSWORD: passwords['reeve-consumer-guardian'] ?? '',
    ...Object.fromEntries([platformChannel, ...teams].map(channel => [webhookVariable(channel), place.webhook(channel)]))
  }
}

function webhookVariable(channel: string): string {
  return `SLACK_${channel.toUpperCase()}_WEBHOOK`
}

/** Teams own what begins with a word of theirs; nobody owns the domain of a group without a team. */
function ownedBy(team: string): { groups: string[]; topics: string[] } {
  const players = cast.filter(player => player.team === team)
  const firstWord = (name: string) => name.split(/[-.]/)[0]!
  const groups = [...new Set(players.map(({ groupId }) => `${firstWord(groupId)}-*`))]
  return { groups, topics: [...new Set(players.map(({ topic }) => `${firstWord(topic.name)}.*`))].filter(glob => glob === `${team}.*`) }
}
