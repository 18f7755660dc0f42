import { createHmac, timingSafeEqual } from 'node:crypto'

/** Older or newer than this is a replay or a clock that is off. */
const toleranceSeconds = 5 * 60

/**
 * Slack's request signature: `v0=` and the hex HMAC-SHA256 of `v0:<timestamp>:<body>`, compared in constant time.
 * https://docs.slack.dev/authentication/verifying-requests-from-slack
 */
export function isFromSlack(signingSecret: string, timestamp: string | undefined, signature: string | undefined, body: string, nowMs: number): boolean {
  if (timestamp === undefined || signature === undefined || !/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(nowMs / 1_000 - Number(timestamp)) > toleranceSeconds) return false
  const expected = Buffer.from(`v0=${createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex')}`)
  const given = Buffer.from(signature)
  return given.length === expected.length && timingSafeEqual(given, expected)
}
