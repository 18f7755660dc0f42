import { formatDuration } from '../domain/duration.ts'
import type { Asker, Hearing } from './asker.ts'
import { page } from './page.ts'
import type { Reply, Request, Route } from './route.ts'
import { openTicket, type Ticket } from './tokens.ts'

export interface LinkOptions {
  keys(): readonly string[]
  hearings(): readonly Hearing[]
  readonly say: Asker
  nowMs(): number
}

/**
 * What a link in a message does. A GET shows what would be said and asks once more: mail and chat programs fetch every address that they
 * show. The POST says it; the leader takes the token's nonce once, whichever replica serves the page.
 */
export function linkRoute({ keys, hearings, say, nowMs }: LinkOptions): Route {
  const opened = ({ rest }: Request): { readonly ticket: Ticket; readonly hearing: Hearing } | Reply => {
    const ticket = openTicket(rest, keys(), nowMs())
    if (ticket === 'expired') return page(410, 'This link has expired', ['Use the command that stands in the message.'])
    if (ticket === 'forged') return page(403, 'This link is not one of ours', ['It was changed, or its key is not used any more.'])
    const hearing = hearings().find(({ scope }) => scope === ticket.cluster)
    return hearing ? { ticket, hearing } : page(503, 'Not now', ['This process does not govern that cluster, or has not reached it yet.'])
  }
  return {
    path: '/v1/links/',
    GET(request) {
      const found = opened(request)
      if ('status' in found) return found
      return page(200, sentenceOf(found.ticket), [`Cluster ${found.hearing.name}.`, 'It is written to the journal, and this link works once.'], {
        button: 'Yes'
      })
    },
    async POST(request) {
      const found = opened(request)
      if ('status' in found) return found
      const { kind, subject, forMs, nonce, expMs } = found.ticket
      const why = new URLSearchParams(request.body).get('why')?.trim().slice(0, 300) || 'no reason was given'
      const said = await say(found.hearing, { kind, subject, who: `link ${nonce}`, why, by: 'link', forMs, once: { id: nonce, untilMs: expMs } })
      return page(said.status, said.what, said.entries)
    }
  }
}

/** What a ticket says, for the person who is about to say it. */
export function sentenceOf({ kind, subject, forMs = 0 }: Ticket): string {
  if (kind === 'snooze') return `Snooze ${subject} for ${formatDuration(forMs)}?`
  if (kind === 'fixed') return `Say that ${subject} is fixed?`
  if (kind === 'appeal') return `Appeal: leave ${subject} alone?`
  return `Approve the plan ${subject}?`
}
