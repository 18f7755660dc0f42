import { type ChannelFacts, type Facts } from '../facts.ts'
import { type Finding, inArea, listed } from '../finding.ts'

const finding = inArea('notices')

/** Whether what Reeve says can reach anybody. */
export function noticeFindings({ channels, config }: Facts): Finding[] {
  const acting = Object.values(config.agents).some(({ enabled, act }) => enabled && act)
  const platform = channels.find(({ channel }) => channel === config.notify.platformChannel)
  const mute = channels.filter(({ ways }) => ways.every(({ tellsFrom }) => tellsFrom === null))
  return [
    ...(mute.length === 0
      ? []
      : [
          finding(
            acting && mute.includes(platform!) ? 'error' : 'warning',
            'channel-mute',
            `nothing that is said in ${listed(
              mute.map(({ channel }) => channel),
              6
            )} can be delivered`,
            acting && mute.includes(platform!)
              ? 'An agent acts, and nobody would hear of it: notices are kept and shown as failed.'
              : 'Notices are kept and shown as failed; a grace period whose notice was not delivered does not begin.',
            mute.map(({ channel }) => `notify.channels.${channel}: name a way, given as \${NAME}`)
          )
        ]),
    ...partly(channels),
    ...reachable(channels),
    ...sameWay(channels)
  ]
}

/** A channel that pages and says nothing else: what is less than a page goes nowhere, the notice before a pause too. */
function partly(channels: readonly ChannelFacts[]): Finding[] {
  return channels.flatMap(({ channel, ways }) => {
    const heard = ways.flatMap(({ tellsFrom }) => tellsFrom ?? [])
    if (heard.length === 0 || heard.includes('info')) return []
    return [
      finding(
        'warning',
        'channel-partly',
        `channel ${channel} tells people only of what is at least ${[...new Set(heard)].join(' or ')}`,
        'Notices of less are kept and shown as failed.',
        `notify.channels.${channel}: name a Slack webhook or channel too`
      )
    ]
  })
}

/** Channels that fail or work in the same way are said at once: where the network is down, all of them are. */
function reachable(channels: readonly ChannelFacts[]): Finding[] {
  const all = channels.flatMap(({ channel, ways }) => ways.map(({ way, reached }) => ({ channel, way, reached })))
  return [...Map.groupBy(all, ({ way, reached }) => JSON.stringify([way, reached])).values()].map(group => {
    const { way, reached } = group[0]!
    const names = `${group.length === 1 ? 'channel' : 'channels'} ${listed(
      group.map(({ channel }) => channel),
      6
    )}`
    return 'why' in reached
      ? finding(
          'error',
          'channel-unreachable',
          `${names}: ${way} cannot be reached: ${reached.why}`,
          'Notices are kept, in order, and tried again.',
          'check the address or token, the proxy and the firewall'
        )
      : finding('ok', 'channel-reached', `${names}: ${way}: ${reached.value}`)
  })
}

/** Two channels that end in the same place are most often one that was copied and not changed. */
function sameWay(channels: readonly ChannelFacts[]): Finding[] {
  const same = [
    ...Map.groupBy(
      channels.filter(({ place }) => place !== null),
      ({ place }) => place
    ).values()
  ].filter(group => group.length > 1)
  return same.map(group =>
    finding(
      'note',
      'channels-same',
      `${listed(
        group.map(({ channel }) => channel),
        6
      )} end in the same place`,
      'Owners hear what is meant for others.'
    )
  )
}
