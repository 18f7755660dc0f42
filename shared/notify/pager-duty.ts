import { createHash } from 'node:crypto'
import type { Secret } from '../config/secret.ts'
import type { Notice, Severity } from '../engine/agent.ts'
import { inLane, type LaneOptions } from './lane.ts'
import type { Delivery, Destination, Letter } from './notifier.ts'
import { post, refused } from './post.ts'

export interface PagerDutyOptions extends LaneOptions {
  readonly id: string
  readonly routingKey: Secret
  /** `https://events.pagerduty.com`, or where its double listens. */
  readonly api: string
  /** What PagerDuty shows as the source. */
  readonly cluster: string
  readonly timeoutMs: number
}

const severityOf: Readonly<Record<Severity, 'info' | 'warning' | 'error' | 'critical'>> = {
  info: 'info',
  warning: 'warning',
  page: 'error',
  incident: 'critical',
  executive: 'critical'
}
/** PagerDuty's own limits of summary and dedup_key. */
const summaryLength = 1_024
const keyLength = 255

/**
 * A service of PagerDuty by the Events API v2: one alert an incident, by its dedup_key; a later notice adds to it, the resolved one ends
 * it. Taken is only a 202. The routing key is a secret and stands in no error.
 */
export function pagerDuty({ id, routingKey, api, cluster, timeoutMs, ...lane }: PagerDutyOptions): Destination {
  const attempt = async ({ notices: [notice] }: Letter): Promise<Delivery> => {
    const posted = await post(
      `${api}/v2/enqueue`,
      JSON.stringify({ routing_key: routingKey.reveal(), ...pagerDutyEvent(notice, cluster) }),
      { 'content-type': 'application/json' },
      timeoutMs
    )
    if (!posted.answered) return { ok: false, retryable: true, error: posted.error }
    const { status } = posted.answer
    if (status === 202) return { ok: true }
    const remedy = status === 400 ? `: check notify.channels.${lane.channel}.pagerDuty.routingKey` : ''
    return refused(posted.answer, `expected 202, PagerDuty answered ${status}${remedy}`)
  }
  return { id, reachesPeople: true, digestAbove: null, deliver: inLane(lane, attempt) }
}

/** The event without its routing key. Pure. */
export function pagerDutyEvent(notice: Notice, cluster: string): object {
  const id = `${cluster}/${notice.incident}`
  const dedup_key = id.length <= keyLength ? id : createHash('sha256').update(id).digest('hex')
  if (notice.resolved) return { event_action: 'resolve', dedup_key }
  return {
    event_action: 'trigger',
    dedup_key,
    client: 'Reeve',
    payload: {
      summary: cut(notice.title, summaryLength),
      source: cluster,
      severity: severityOf[notice.severity],
      ...(notice.subject === undefined ? {} : { component: cut(notice.subject, keyLength) }),
      ...(notice.team === null ? {} : { group: notice.team }),
      custom_details: { why: notice.why, since: new Date(notice.sinceMs), next: notice.next.what, answer: notice.answer, incident: notice.incident }
    }
  }
}

function cut(text: string, most: number): string {
  const whole = text.trim() === '' ? '-' : text.toWellFormed()
  return whole.length <= most ? whole : `${whole.slice(0, most - 1).toWellFormed()}…`
}
