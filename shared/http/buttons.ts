import { formatDuration } from '../domain/duration.ts'
import type { Notice } from '../engine/agent.ts'
import type { Button } from '../render/slack-message.ts'
import { newNonce, signTicket, type Ticket } from './tokens.ts'

export interface ButtonOptions {
  /** Which Reeve they speak to, see scopeOf. */
  readonly scope: string
  /** The first signs; without any there are no buttons. */
  readonly keys: readonly string[]
  /** Where a browser reaches the HTTP port; null: links lead nowhere. */
  readonly publicUrl: string | null
  /** True: Slack sends what is pressed, signed, so that no browser is needed. */
  readonly answersInSlack: boolean
  readonly validForMs: number
}

const snoozesMs = [1, 8, 24].map(hours => hours * 3_600_000)

/** What people can say to a notice; each button is a token of its own. */
export function buttonsFor(notice: Notice, { scope, keys, publicUrl, answersInSlack, validForMs }: ButtonOptions, nowMs: number): readonly Button[] {
  const [key] = keys
  if (key === undefined || (publicUrl === null && !answersInSlack) || notice.resolved) return []
  const button = (label: string, kind: Ticket['kind'], subject: string | undefined, forMs?: number): Button[] => {
    if (subject === undefined) return []
    const ticket = { cluster: scope, kind, subject, ...(forMs === undefined ? {} : { forMs }), expMs: nowMs + validForMs, nonce: newNonce() }
    const token = signTicket(ticket, [key])
    return [{ label, ...(answersInSlack ? { value: token } : { url: `${publicUrl!.replace(/\/$/, '')}/v1/links/${token}` }) }]
  }
  return (notice.asks ?? []).flatMap(ask =>
    ask === 'snooze'
      ? snoozesMs.flatMap(forMs => button(`Snooze ${formatDuration(forMs)}`, 'snooze', notice.incident, forMs))
      : button({ fixed: 'It is fixed', appeal: 'Appeal', approve: 'Approve' }[ask], ask, notice.subject)
  )
}
