import type { Notice, Severity } from '../engine/agent.ts'
import { severities } from '../notify/severity.ts'

interface PlainText {
  readonly type: 'plain_text'
  readonly text: string
  readonly emoji: boolean
}
export type Block =
  | { readonly type: 'header' | 'section'; readonly text: PlainText | { readonly type: 'mrkdwn'; readonly text: string; readonly verbatim: true } }
  | { readonly type: 'context'; readonly elements: readonly PlainText[] }
  | { readonly type: 'actions'; readonly elements: readonly SlackButton[] }

interface SlackButton {
  readonly type: 'button'
  readonly action_id: string
  readonly text: PlainText
  readonly url?: string
  readonly value?: string
  readonly confirm?: { readonly title: PlainText; readonly text: PlainText; readonly confirm: PlainText; readonly deny: PlainText }
}

/** What a person can say to a notice: `url` opens a page that asks once more, `value` comes back signed by Slack. */
export type Button = { readonly label: string } & ({ readonly url: string } | { readonly value: string })

/** The body of an incoming webhook, and what chat.postMessage takes beside the channel. */
export interface SlackMessage {
  /** What a phone's lock screen shows. */
  readonly text: string
  readonly mrkdwn: false
  readonly blocks: readonly Block[]
}

const headerLength = 150
const sectionLength = 3_000
const contextLength = 1_000
const buttonLength = 75
const valueLength = 2_000
const urlLength = 3_000
const worstInDigest = 10
/** Slack takes 50 blocks; the others of a notice are seven. */
const mostWhySections = 40

const marks: Record<Severity, string> = { info: 'Info', warning: 'Warning', page: 'Page', incident: 'Incident', executive: 'Executive' }

/**
 * A notice as Block Kit: what, why with figures, since when, what happens next and when, the command to answer with. Pure. Within
 * Slack's limits whatever the notice holds. Names are other people's words: they stand in plain text only, which knows no markup.
 */
export function slackMessage(notice: Notice, cluster: string, buttons: readonly Button[] = []): SlackMessage {
  const head = `${notice.resolved ? 'Resolved' : marks[notice.severity]}: ${notice.title}`
  const owner = notice.team === null ? 'no registered owner' : `team ${notice.team}`
  const next = notice.next.atMs === null ? notice.next.what : `${notice.next.what} (${utc(notice.next.atMs)})`
  return {
    text: fit(head, sectionLength),
    mrkdwn: false,
    blocks: [
      { type: 'header', text: plain(head, headerLength) },
      { type: 'context', elements: [plain(`Since ${utc(notice.sinceMs)}`, contextLength), plain(owner, contextLength)] },
      ...whySections(notice.why),
      { type: 'section', text: plain(`Next: ${next}`, sectionLength) },
      ...(notice.answer === null ? [] : answerBlocks(notice.answer)),
      ...actionBlocks(buttons),
      { type: 'context', elements: [plain(`cluster ${cluster}`, contextLength), plain(`incident ${notice.incident}`, contextLength)] }
    ]
  }
}

/**
 * Many notices as one message: how many of each severity and how many resolved, the worst ten that are not, and the command that shows
 * the rest. Pure.
 */
export function slackDigest(notices: readonly Notice[], cluster: string): SlackMessage {
  const over = new Set(notices.filter(({ resolved }) => resolved).map(({ incident }) => incident))
  const open = notices.filter(({ resolved, incident }) => !resolved && !over.has(incident))
  const counts = [
    ...severities.toReversed().map(severity => [marks[severity], open.filter(notice => notice.severity === severity).length] as const),
    ['Resolved', over.size] as const
  ].filter(([, count]) => count > 0)
  const worst = open.toSorted((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity) || a.sinceMs - b.sinceMs).slice(0, worstInDigest)
  const head = `${notices.length} notices at once: ${counts.map(([mark, count]) => `${count} ${mark.toLowerCase()}`).join(', ')}`
  const lines = worst.map(({ severity, title, sinceMs }) => `${marks[severity]}: ${title} (since ${utc(sinceMs)})`)
  const rest = open.length - worst.length
  return {
    text: fit(head, sectionLength),
    mrkdwn: false,
    blocks: [
      { type: 'header', text: plain(head, headerLength) },
      ...whySections(lines),
      ...(rest > 0 ? [{ type: 'section' as const, text: plain(`… and ${rest} more.`, sectionLength) }] : []),
      ...answerBlocks('reeve plan'),
      { type: 'context', elements: [plain(`cluster ${cluster}`, contextLength)] }
    ]
  }
}

/** A button whose value Slack would refuse is left out: the command is there. */
function actionBlocks(buttons: readonly Button[]): Block[] {
  const fitting = buttons.filter(button => ('url' in button ? button.url.length <= urlLength : button.value.length <= valueLength))
  if (fitting.length === 0) return []
  return [
    {
      type: 'actions',
      elements: fitting.map((button, index) => ({
        type: 'button',
        action_id: `reeve-${index}`,
        text: plain(button.label, buttonLength),
        ...('url' in button
          ? { url: button.url }
          : {
              value: button.value,
              confirm: {
                title: plain(button.label, 100),
                text: plain('It is written to the journal with your name.', 300),
                confirm: plain('Yes', 30),
                deny: plain('No', 30)
              }
            })
      }))
    }
  ]
}

/** As many lines to a section as it holds; what does not fit into the most sections is counted. */
function whySections(why: readonly string[]): Block[] {
  const sections: string[] = []
  let shown = 0
  for (const reason of why) {
    const line = fit(`• ${reason}`, sectionLength)
    const last = sections.at(-1)
    if (last !== undefined && last.length + 1 + line.length <= sectionLength) sections[sections.length - 1] = `${last}\n${line}`
    else if (sections.length < mostWhySections) sections.push(line)
    else break
    shown++
  }
  if (shown < why.length) sections.push(`… and ${why.length - shown} more; see \`reeve explain\``)
  return sections.map(text => ({ type: 'section', text: { type: 'plain_text', text, emoji: false } }))
}

/** In a code block, to be copied; a command that holds a backtick could leave the block, so it stands in plain text. */
function answerBlocks(answer: string): Block[] {
  const label = { type: 'section', text: plain('Answer with:', sectionLength) } as const
  const command = fit(answer, sectionLength - 6)
  if (answer.includes('`')) return [label, { type: 'section', text: plain(answer, sectionLength) }]
  return [label, { type: 'section', text: { type: 'mrkdwn', text: `\`\`\`${command}\`\`\``, verbatim: true } }]
}

function plain(text: string, most: number): PlainText {
  return { type: 'plain_text', text: fit(text, most), emoji: false }
}

/** 2026-11-21 14:23:05 UTC; the bare number where it is no date. */
function utc(epochMs: number): string {
  const date = new Date(epochMs)
  return Number.isNaN(date.getTime()) ? `${epochMs}` : `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** One line, escaped as Slack asks, never empty, and cut between characters so that it is no longer than `most` after escaping. */
function fit(text: string, most: number): string {
  const pieces: string[] = []
  let length = 0
  for (const character of text) {
    const piece = escapes[character] ?? (unprintable.test(character) ? '\u{FFFD}' : character)
    if (length + piece.length > most) {
      while (length > most - 1) length -= pieces.pop()!.length
      return `${pieces.join('')}…`
    }
    pieces.push(piece)
    length += piece.length
  }
  return pieces.join('').trim() === '' ? '-' : pieces.join('')
}

const escapes: Record<string, string | undefined> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\n': ' ', '\t': ' ' }
/** Control characters, unpaired surrogates, and what turns the direction of writing. */
const unprintable = /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u
