import { describe, expect, test } from 'vitest'
import { http, keysOf } from './http-schema.ts'
import { notify } from './notify-schema.ts'

const key = '0123456789abcdef0123456789abcdef'
const wrong = (schema: typeof http | typeof notify, given: object): string[] =>
  schema.safeParse(given).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

describe('notify', () => {
  const channels = (platform: object, more: object = {}) => ({ platformChannel: 'platform', channels: { platform }, ...more })
  const slack = { token: 'xoxb-1' }

  test.each([
    ['a webhook', channels({ slackWebhook: 'https://hooks.slack.com/services/x' })],
    ['a webhook that is not set yet', channels({ slackWebhook: '' })],
    ['a bot', channels({ slackChannel: 'C01' }, { slack })],
    ['a bot that is not set yet', channels({ slackChannel: 'C01' }, { slack: { token: '' } })],
    ['PagerDuty alone', channels({ pagerDuty: { routingKey: 'r' } })],
    ['a webhook of one’s own', channels({ webhook: { url: 'http://127.0.0.1:9/', key: 'k' } })]
  ])('takes %s', (_what, given) => expect(wrong(notify, given)).toEqual([]))

  test.each([
    ['a channel without a destination', channels({}), ['channels.platform: expected slackWebhook, slackChannel, pagerDuty or webhook']],
    [
      'both ways to Slack',
      channels({ slackWebhook: '', slackChannel: 'C' }, { slack }),
      ['channels.platform.slackChannel: expected slackWebhook or slackChannel, not both']
    ],
    ['a channel of a bot that is not there', channels({ slackChannel: 'C' }), ['channels.platform.slackChannel: needs notify.slack with the token of a bot']],
    [
      'an address in clear',
      channels({ webhook: { url: 'http://example.com/', key: 'k' } }),
      ['channels.platform.webhook.url: expected an https:// address (http:// only for this machine)']
    ],
    [
      'a severity that is none',
      channels({ pagerDuty: { routingKey: 'r', from: 'high' } }),
      ['channels.platform.pagerDuty.from: Invalid option: expected one of "info"|"warning"|"page"|"incident"|"executive"']
    ]
  ])('refuses %s', (_what, given, mistakes) => expect(wrong(notify, given)).toEqual(mistakes))
})

describe('http', () => {
  const oidc = { issuer: 'https://login.example.com', audience: 'reeve' }
  const tls = { certFile: 'c', keyFile: 'k', clientCaFile: 'a' }

  test('keys that are empty are none, and the first that is there signs', () => {
    const parsed = http.parse({ keys: ['', key, `${key}2`] })
    expect(keysOf(parsed)).toEqual([key, `${key}2`])
    expect(keysOf(http.parse({}))).toEqual([])
    expect(JSON.stringify(parsed)).not.toContain(key)
  })

  test.each([
    ['a short key', { keys: ['short'] }, ['keys: expected keys of at least 32 characters, such as openssl rand -hex 32 gives']],
    ['tokens without a key to seal by', { oidc }, ['keys: needs a key, to seal what people say']],
    ['only empty keys', { oidc, keys: [''] }, ['keys: needs a key, to seal what people say']],
    [
      'client names without their authority',
      { clients: ['CN=a'], keys: [key], tls: { certFile: 'c', keyFile: 'k' } },
      ['clients: needs http.tls.clientCaFile']
    ],
    [
      'an issuer in clear',
      { oidc: { ...oidc, issuer: 'http://login.example.com' }, keys: [key] },
      ['oidc.issuer: expected an https:// address (http:// only for this machine)']
    ],
    ['links in clear', { publicUrl: 'http://reeve.example.com' }, ['publicUrl: expected an https:// address (http:// only for this machine)']],
    ['links for a year', { linksValidFor: '365d' }, ['linksValidFor: expected a duration from 1m to 30d']]
  ])('refuses %s', (_what, given, mistakes) => expect(wrong(http, given)).toEqual(mistakes))

  test('takes tokens and certificates together', () => expect(wrong(http, { oidc, clients: ['CN=a'], keys: [key], tls })).toEqual([]))
})
