import { z } from 'zod'
import { severities } from '../notify/severity.ts'
import { isAddress, optionalSecret, secret, whole } from './types.ts'

const name = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, { error: "expected letters, digits, '.', '_' and '-'" })
const addressError = 'expected an https:// address (http:// only for this machine)'
const api = z.string().refine(isAddress, { error: addressError })
const from = (least: (typeof severities)[number]) =>
  z.enum(severities).default(least).describe('Only notices of at least this severity; one that resolves comes always.')

/** A webhook address, https but for this machine; empty: the channel has none. */
const webhook = z
  .string()
  .refine(text => text === '' || isAddress(text), { error: addressError, abort: true })
  .pipe(z.union([z.literal('').transform(() => null), secret]))

const channel = z
  .strictObject({
    slackWebhook: webhook.optional().describe('Incoming webhook, given as ${NAME}; empty: none, and its notices are shown as failed.'),
    slackChannel: z.string().min(1).max(80).optional().describe('Name or id of a channel that the bot of notify.slack was invited to; with threads.'),
    pagerDuty: z
      .strictObject({
        routingKey: optionalSecret.describe('Integration key of the service (Events API v2), given as ${NAME}.'),
        from: from('page'),
        api: api.default('https://events.pagerduty.com')
      })
      .optional(),
    webhook: z
      .strictObject({
        url: webhook.describe('Takes each notice as JSON, signed; given as ${NAME}.'),
        key: optionalSecret.describe('Key of the signature, given as ${NAME}.'),
        from: from('info'),
        reachesPeople: z.boolean().default(false).describe('True: what only this address took counts as told to people.')
      })
      .optional()
  })
  .refine(given => Object.values(given).some(value => value !== undefined), { error: 'expected slackWebhook, slackChannel, pagerDuty or webhook' })
  .refine(({ slackWebhook, slackChannel }) => slackWebhook === undefined || slackChannel === undefined, {
    error: 'expected slackWebhook or slackChannel, not both',
    path: ['slackChannel']
  })

/** Where notices go. A channel may have several destinations; each keeps its own order and its own attempts. */
export const notify = z
  .strictObject({
    platformChannel: z.string().min(1).describe('Where notices go that nobody owns. One of notify.channels.'),
    digestAbove: whole(1, 1_000).default(10).describe('More notices than this that are due in a Slack channel at once come as one message.'),
    slack: z
      .strictObject({
        token: optionalSecret.describe('Bot token (xoxb-…) with the scope chat:write, given as ${NAME}.'),
        signingSecret: optionalSecret.default(null).describe('Of the app, given as ${NAME}: with it buttons answer within Slack. Without: they open a page.'),
        api: api.default('https://slack.com/api')
      })
      .optional(),
    channels: z.record(name, channel)
  })
  .superRefine(({ slack, channels }, context) => {
    for (const [key, { slackChannel }] of Object.entries(channels))
      if (slackChannel !== undefined && slack === undefined)
        context.addIssue({ code: 'custom', path: ['channels', key, 'slackChannel'], message: 'needs notify.slack with the token of a bot' })
  })

export type NotifyConfig = z.output<typeof notify>
