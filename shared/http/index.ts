import { type Config, keysOf } from '../config/index.ts'
import type { Log } from '../telemetry/log.ts'
import { type Hearing, openAsker } from './asker.ts'
import { openJwks } from './jwks.ts'
import { linkRoute } from './links.ts'
import { requestsRoute } from './requests.ts'
import type { Route } from './route.ts'
import { slackRoute } from './slack.ts'

/**
 * The routes by which people change something, as far as the configuration lets them prove who they are: links where there are keys,
 * Slack's buttons where there is a signing secret, requests where there is an identity provider or a list of client certificates. What is
 * not configured is not served.
 */
export function peoplesRoutes(configs: readonly Config[], hearings: () => readonly Hearing[], log: Log): readonly Route[] {
  const { http } = configs[0]!
  const keys = () => keysOf(http)
  const common = { keys, hearings, say: openAsker(keys), nowMs: Date.now }
  const apps = configs.flatMap(({ notify: { slack } }) => (slack?.signingSecret ? [{ secret: slack.signingSecret, api: slack.api }] : []))
  const { oidc, clients } = http
  const answerHosts = ['https://hooks.slack.com', ...apps.map(({ api }) => new URL(api).origin)]
  return [
    ...(keys().length > 0 ? [linkRoute(common)] : []),
    ...(apps.length > 0 ? [slackRoute({ ...common, signingSecrets: () => apps.map(({ secret }) => secret.reveal()), answerHosts, log })] : []),
    ...(oidc || clients.length > 0
      ? [
          requestsRoute({
            ...common,
            clients,
            oidc: oidc ? { rules: { ...oidc, require: oidc.require ?? null }, jwks: openJwks(oidc.issuer, oidc.jwksUrl ?? null) } : null
          })
        ]
      : [])
  ]
}
