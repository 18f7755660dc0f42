import { writeFileSync } from 'node:fs'
import type { JournalEntry } from '../engine/journal.ts'
import { history } from '../engine/history.ts'
import { subjectOf } from '../engine/key.ts'
import type { Course, Span } from '../render/course.ts'
import { markOf } from '../render/marks.ts'
import type { Picture } from '../render/picture.ts'
import { pictureSvg, stretchesOfSvg } from '../render/picture-svg.ts'
import { pictureText, stretchesOfText, type TextOptions } from '../render/picture-text.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { entryText, readJournal } from './journal.ts'
import { progress } from './progress.ts'
import type { Cli, Session } from './session.ts'

/** Columns where the output is no terminal. */
const plainWidth = 100

export interface PictureOptions {
  readonly sinceMs: number
  readonly svg?: string | undefined
  readonly ascii?: true | undefined
}

/** How a picture is written here: as wide as the terminal, and in Unicode only where the locale says so. */
function textOptions({ env, width }: Cli, ascii: true | undefined): TextOptions {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return { width: width ?? plainWidth, unicode: ascii !== true && /utf-?8/i.test(locale) }
}

export interface PastOf {
  readonly title: string
  /** Group ids: whose decisions are shown. */
  readonly subjects: ReadonlySet<string>
  /** What is drawn, to be filled. */
  course(span: Span): Course
}

export interface Drawn {
  readonly picture: Picture
  readonly text: string
  readonly entries: readonly JournalEntry[]
  readonly observations: number
}

/** Folds the observations and reads the journal since a moment; writes the SVG where one is asked for. */
export async function drawPast(cli: Cli, session: Session, { sinceMs, svg, ascii }: PictureOptions, past: PastOf): Promise<Drawn> {
  const untilMs = Date.now()
  const fromMs = untilMs - sinceMs
  const options = textOptions(cli, ascii)
  const cells = stretchesOfText(options)
  const course = past.course({ fromMs, untilMs, count: cells * Math.ceil(stretchesOfSvg / cells) })
  const tell = progress(cli, { fromMs, untilMs, what: 'observations' })
  let observations = 0
  for await (const moment of history(session.kafka, { topic: session.topics.observations, sinceMs: fromMs, signal: cli.signal })) {
    course.take(moment)
    observations++
    tell(moment.view.atMs)
  }
  const entries: JournalEntry[] = []
  await readJournal(session, fromMs, entry => void (concerns(entry, past.subjects) && entries.push(entry)))
  const marks = entries.flatMap(entry => markOf(entry) ?? [])
  const picture: Picture = { title: past.title, fromMs, untilMs, panels: course.panels(), marks }
  if (svg !== undefined) writePicture(svg, pictureSvg(picture))
  return { picture, text: pictureText(picture, options), entries, observations }
}

function concerns({ subject, facts }: JournalEntry, subjects: ReadonlySet<string>): boolean {
  const named = facts !== null && typeof facts === 'object' && 'subject' in facts ? facts['subject'] : null
  return subjects.has(subjectOf(subject)) || (typeof named === 'string' && subjects.has(named))
}

function writePicture(file: string, svg: string): void {
  try {
    writeFileSync(file, svg)
  } catch (error) {
    throw new CommandFailure(exitCodes.failed, `--svg ${file} cannot be written: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** The picture, and what the journal says. For machines an object a line. Throws at the end where a person interrupted the reading. */
export function tellPast(cli: Cli, drawn: Drawn, json: boolean): void {
  const { text, entries } = drawn
  if (json) for (const line of [pictureJson(drawn), ...entries]) cli.out(JSON.stringify(line))
  else
    cli.out([text, '', entries.length === 0 ? 'the journal says nothing of this time' : 'journal', ...entries.map(entry => `  ${entryText(entry)}`)].join('\n'))
  if (cli.signal.aborted) throw new CommandFailure(exitCodes.interrupted, 'interrupted: the picture ends where the reading did')
}

function pictureJson({ picture, observations }: Drawn): object {
  const { title, fromMs, untilMs, panels, marks } = picture
  return {
    title,
    fromMs,
    untilMs,
    observations,
    marks,
    panels: panels.map(panel => ({ title: panel.title, stretches: panel.columns.stretches, unknown: panel.columns.unknown }))
  }
}
