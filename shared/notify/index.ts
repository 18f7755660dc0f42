import { type Config, keysOf } from '../config/index.ts'
import type { Notice, Severity } from '../engine/agent.ts'
import { buttonsFor } from '../http/buttons.ts'
import { slackDigest, slackMessage } from '../render/slack-message.ts'
import type { Log } from '../telemetry/log.ts'
import { namingCluster } from './naming-cluster.ts'
import type { Destination, Letter, Notifier } from './notifier.ts'
import { pagerDuty } from './pager-duty.ts'
import { atLeast } from './severity.ts'
import { slackBot } from './slack-bot.ts'
import { type SlackOptions, slackWebhook } from './slack-webhook.ts'
import { webhook } from './webhook.ts'

export interface NotifierOptions {
  readonly config: Pick<Config, 'notify' | 'http'> & { readonly cluster: Pick<Config['cluster'], 'name' | 'oneOfSeveral'> }
  /** Where buttons belong, see scopeOf. */
  readonly scope: string
  readonly log: Log
  /** Bound of one attempt. Default 10 s. */
  readonly timeoutMs?: number
  /** From one message to the next at one destination. Default 1 s, Slack's own limit. */
  readonly paceMs?: number
  readonly monotonicMs?: () => number
}

interface Way {
  readonly from: Severity
  readonly destination: Destination
}

/** The notifier that the configuration asks for. Says aloud which channels reach nobody. */
export function openNotifier({ config, scope, log, timeoutMs = 10_000, paceMs = 1_000, monotonicMs = () => performance.now() }: NotifierOptions): Notifier {
  const { notify, http, cluster } = config
  const buttons = {
    scope,
    publicUrl: http.publicUrl ?? null,
    validForMs: http.linksValidFor
  }
  // Only messages of the bot are certain to belong to the app that Slack asks when a button is pressed.
  const render =
    (answersInSlack: boolean) =>
    ({ notices }: Letter) => {
      const { name } = cluster
      if (notices.length > 1) return slackDigest(notices, name)
      return slackMessage(notices[0], name, buttonsFor(notices[0], { ...buttons, answersInSlack, keys: keysOf(http) }, Date.now()))
    }
  const token = notify.slack?.token
  const ways = new Map(
    Object.entries(notify.channels).map(([channel, given]): [string, readonly Way[]] => {
      const common = { channel, timeoutMs, paceMs, monotonicMs }
      const slack: SlackOptions = { ...common, id: `${channel}/slack`, digestAbove: notify.digestAbove, render: render(false) }
      const { slackWebhook: address, slackChannel: conversation, pagerDuty: pager, webhook: hook } = given
      const found: (Way | null)[] = [
        address ? { from: 'info', destination: slackWebhook(slack, address) } : null,
        conversation !== undefined && token
          ? {
              from: 'info',
              destination: slackBot(
                { ...slack, render: render((notify.slack?.signingSecret ?? null) !== null) },
                { api: notify.slack!.api, token, conversation }
              )
            }
          : null,
        pager?.routingKey
          ? {
              from: pager.from,
              destination: pagerDuty({ ...common, id: `${channel}/pagerduty`, routingKey: pager.routingKey, api: pager.api, cluster: cluster.name })
            }
          : null,
        hook?.url && hook.key
          ? {
              from: hook.from,
              destination: webhook({
                ...common,
                id: `${channel}/webhook`,
                url: hook.url,
                key: hook.key,
                reachesPeople: hook.reachesPeople,
                cluster: cluster.name
              })
            }
          : null
      ]
      const ready = found.filter(way => way !== null)
      if (!cluster.oneOfSeveral) return [channel, ready]
      return [channel, ready.map(({ from, destination }) => ({ from, destination: namingCluster(destination, cluster.name) }))]
    })
  )
  const mute = [...ways].filter(([, all]) => !all.some(({ destination }) => destination.reachesPeople)).map(([channel]) => channel)
  if (mute.length > 0) log.warn({ channels: mute }, 'channels that reach nobody: their notices are kept and shown as failed')

  const unknownChannels = new Set<string>()
  function channelOf({ channel }: Notice): string {
    if (channel === null) return notify.platformChannel
    if (ways.has(channel)) return channel
    if (!unknownChannels.has(channel))
      log.warn({ channel, to: notify.platformChannel }, 'no such channel in notify.channels: its notices go to the platform channel')
    unknownChannels.add(channel)
    return notify.platformChannel
  }

  return {
    destinations(notice) {
      const channel = channelOf(notice)
      const wanted = ways.get(channel)!.filter(({ from }) => notice.resolved || atLeast(notice.severity, from))
      const [first, ...others] = wanted.map(({ destination }) => destination)
      return first && [first, ...others].some(({ reachesPeople }) => reachesPeople)
        ? [first, ...others]
        : [nowhere(channel, notice.severity), ...(first ? [first] : []), ...others]
    }
  }
}

/** Where a notice goes that no destination brings to people: nowhere, and that is said. */
function nowhere(channel: string, severity: Severity): Destination {
  const error = `channel ${channel} brings a notice of severity ${severity} to nobody: set notify.channels.${channel}.slackWebhook, or slackChannel with notify.slack.token`
  return { id: `${channel}/nowhere`, reachesPeople: false, digestAbove: null, deliver: async () => ({ ok: false, retryable: false, error }) }
}
