import type { Config } from '../config/index.ts'
import type { Log } from '../telemetry/log.ts'
import type { Notifier } from './notifier.ts'
import { openSlack } from './slack.ts'

/** The notifier that the configuration asks for. Says aloud which channels cannot be reached. */
export function openNotifier(config: Config, log: Log): Notifier {
  const mute = Object.entries(config.notify.channels).flatMap(([channel, { slackWebhook }]) => (slackWebhook ? [] : [channel]))
  if (mute.length > 0) log.warn({ channels: mute }, 'channels without a webhook: their notices are kept and shown as failed')
  return openSlack({ ...config.notify, log })
}
