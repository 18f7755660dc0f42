import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Stack } from '#test/support/stack.ts'

/** The topic that `audit-mirror` writes by default. */
export const auditTopic = 'audit.platform-operations'
export const anchorName = 'elsewhere'

/** Files of the run that the configuration names. */
export interface Files {
  readonly key: string
  readonly hashKey: string
  /** Stands for a directory on another volume. */
  readonly anchor: string
}

export function filesIn(folder: string): Files {
  return { key: join(folder, 'audit-key'), hashKey: join(folder, 'audit-hash-key'), anchor: join(folder, 'anchor') }
}

/** The configuration that the scene's mirror runs with, as YAML. Seconds stand in place of minutes; passwords come from the environment, keys from files. */
export function configurationText({ nodes, logs }: Pick<Stack, 'nodes' | 'logs'>, { key, hashKey, anchor }: Files): string {
  const login = (username: string, password: string) => ({ mechanism: 'SCRAM-SHA-512', username, password: `\${${password}}` })
  const brokers = nodes.filter(({ name }) => name.startsWith('node-'))
  return stringify(
    {
      version: 1,
      cluster: { brokers: ['${DEMO_BROKERS}'] },
      redis: { url: '${DEMO_REDIS_URL}' },
      notify: { platformChannel: 'platform', channels: { platform: { slackWebhook: '' } } },
      agents: {
        'audit-mirror': {
          sasl: login('reeve-audit-mirror', 'REEVE_AUDIT_MIRROR_PASSWORD'),
          policy: {
            topic: auditTopic,
            principal: 'User:reeve-audit-mirror',
            environment: 'demo',
            keys: [`\${file:${key}}`],
            hashKey: `\${file:${hashKey}}`,
            metadata: { controllers: ['${DEMO_CONTROLLERS}'], sasl: login('reeve-metadata', 'REEVE_METADATA_PASSWORD') },
            logs: brokers.map(({ name }) => ({
              id: `authorizer-${name}`,
              content: 'authorizer',
              file: join(logs, `${name}-authorizer.log`),
              host: name,
              // The brokers run here, and write this machine's time.
              timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone
            })),
            exclude: ['User:reeve-*'],
            window: '3s',
            skew: '500ms',
            lateness: '500ms',
            giveUp: '15s',
            checkpointEvery: '2s',
            guardEvery: '10s',
            anchors: [{ name: anchorName, directory: { path: anchor } }]
          }
        }
      },
      http: { host: '127.0.0.1', port: 0 }
    },
    { lineWidth: 0 }
  )
}

/** What `configurationText` takes from the environment. */
export function configurationEnvironment({
  saslBrokers,
  saslControllers,
  redisUrl,
  principals
}: Pick<Stack, 'saslBrokers' | 'saslControllers' | 'redisUrl' | 'principals'>): Record<string, string> {
  return {
    DEMO_BROKERS: saslBrokers.join(','),
    DEMO_CONTROLLERS: saslControllers.join(','),
    DEMO_REDIS_URL: redisUrl,
    REEVE_AUDIT_MIRROR_PASSWORD: principals['reeve-audit-mirror'] ?? '',
    REEVE_METADATA_PASSWORD: principals['reeve-metadata'] ?? ''
  }
}
