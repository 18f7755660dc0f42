import { createHash } from 'node:crypto'
import type { Config } from '../../config/index.ts'
import type { Notice, Severity } from '../../engine/agent.ts'
import { openNotifier } from '../../notify/index.ts'
import { reachable } from '../../notify/reachable.ts'
import { slackIdentity } from '../../notify/auth-test.ts'
import { type ChannelFacts, see } from '../facts.ts'

type Given = Config['notify']['channels'][string]
type Way = ChannelFacts['ways'][number]

/** Looks whether each channel's ways lead anywhere, and posts nothing; with `sendTest`, one message to each channel. */
export async function gatherChannels(config: Config, sendTest: boolean, clusterId: string): Promise<readonly ChannelFacts[]> {
  const channels = Object.entries(config.notify.channels)
  return Promise.all(
    channels.map(async ([channel, given]) => {
      const ways = await Promise.all(waysOf(config, given))
      const told = sendTest ? await deliver(config, channel, clusterId) : []
      return { channel, place: placeOf(given), ways: [...ways, ...told] }
    })
  )
}

function waysOf({ notify: { slack } }: Config, { slackWebhook, slackChannel, pagerDuty, webhook }: Given): Promise<Way>[] {
  const connected = async (what: string, url: string, tellsFrom: Severity | null): Promise<Way> => {
    const host = new URL(url).host
    return { way: `${what} at ${host}`, tellsFrom, reached: await see(async () => reachable(url).then(() => 'reached; nothing was posted')) }
  }
  const token = slack?.token
  const bot = async (api: string, secret: string): Promise<Way> => ({
    way: `Slack channel ${slackChannel}`,
    tellsFrom: 'info',
    reached: await see(() => slackIdentity(api, secret))
  })
  return [
    ...(slackWebhook ? [connected('Slack webhook', slackWebhook.reveal(), 'info')] : []),
    ...(slackChannel !== undefined && slack && token ? [bot(slack.api, token.reveal())] : []),
    ...(pagerDuty?.routingKey ? [connected('PagerDuty', pagerDuty.api, pagerDuty.from)] : []),
    ...(webhook?.url && webhook.key ? [connected('webhook', webhook.url.reveal(), webhook.reachesPeople ? webhook.from : null)] : [])
  ]
}

/** The same for the same place; the address itself is a secret. */
function placeOf({ slackWebhook, slackChannel, webhook }: Given): string | null {
  const place = slackWebhook?.reveal() ?? slackChannel ?? webhook?.url?.reveal()
  return place === undefined ? null : createHash('sha256').update(place).digest('hex').slice(0, 12)
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }

async function deliver(config: Config, channel: string, clusterId: string): Promise<Way[]> {
  const notice: Notice = {
    key: `doctor/${channel}/${Date.now()}`,
    incident: 'doctor',
    // What pages people asks for more than this.
    severity: 'info',
    resolved: false,
    team: null,
    channel,
    title: 'A test by `reeve doctor`: this channel works',
    why: ['Somebody asked for it: reeve doctor --send-test'],
    sinceMs: Date.now(),
    next: { what: 'nothing to do', atMs: null },
    answer: null
  }
  const destinations = openNotifier({ config, scope: clusterId, log: silent }).destinations(notice)
  return Promise.all(
    destinations.map(async destination => {
      const delivery = await destination.deliver({ notices: [notice], thread: null })
      return { way: `test message by ${destination.id}`, tellsFrom: null, reached: delivery.ok ? { value: 'delivered' } : { why: delivery.error } }
    })
  )
}
