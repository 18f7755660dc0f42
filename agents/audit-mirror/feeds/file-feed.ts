import type { BrokerLogLine } from '#shared/broker-logs/line.ts'
import type { LogEntry } from '#shared/broker-logs/entry.ts'
import type { TailNotice, TailPosition } from '#shared/broker-logs/tail/position.ts'
import { Tail } from '#shared/broker-logs/tail/tail.ts'
import type { JsonValue } from '#shared/domain/json.ts'
import type { Remembered } from '#shared/engine/stream.ts'
import { type Feed, type MirrorInput, resumeAt, standingOf } from './feed.ts'

export interface FileFeedOptions {
  readonly sourceId: string
  readonly host: string
  readonly path: string
  readonly begins: (line: string) => boolean
  readonly whole: (text: string) => boolean
  readonly remembered: Remembered
  readonly read: (entry: LogEntry) => BrokerLogLine
}

type Loss = Extract<TailNotice, { kind: 'truncated' | 'rewritten' | 'gone' }>

/** Where a line of a file is: a place from which the files can be read, how many lines came before that, and how many behind it. */
interface LinePosition {
  readonly tail: TailPosition | null
  /** Lines of this source before `tail`, since the first. */
  readonly lines: number
  readonly skip: number
}

/** A log file and what it is rotated to, as one source. */
export function fileFeed({ sourceId, host, path, begins, whole, remembered, read }: FileFeedOptions): Feed {
  const standing = standingOf(remembered, sourceId)
  const through = standing?.through as unknown as LinePosition | undefined
  const start: LinePosition = { tail: null, lines: 0, skip: 0 }
  const from = (resumeAt(standing) as unknown as LinePosition | null) ?? through ?? start
  const known = through ? through.lines + through.skip : 0
  let skip = from.skip
  let lines = from.lines
  let at = from.tail
  const unread = new Map<string, number>()
  let replaying = from.lines + from.skip < known
  const open = (): Tail => new Tail({ host, path, begins, whole, position: at })
  let tail = open()

  /** Opens it anew where it was read to; what the one before had seen since is seen again. */
  async function reopen(): Promise<void> {
    await tail.close()
    tail = open()
  }

  /** What was counted is gone, and lines are not told from new ones by their number any more: goes on behind what was dealt with. */
  async function goOn(): Promise<MirrorInput[]> {
    const { lines: fromLine } = from
    ;({ tail: at, lines, skip } = through ?? start)
    replaying = false
    await reopen()
    const gap: MirrorInput = {
      kind: 'gap',
      sourceId,
      coordinate: `${host}:${path}#lines:${fromLine + from.skip}-${known}`,
      timestampMs: Date.now(),
      from: fromLine + from.skip,
      to: known,
      reason: 'lines that had been read are gone before they could be counted again: accesses of minutes that were open may be missing'
    }
    return [{ kind: 'replayed', sourceId }, gap]
  }

  return {
    ids: [sourceId],
    unread,
    async next(maxWaitMs) {
      const isFirst = at === null
      const { entries, notices, position, more } = await tail.poll(isFirst ? { maxBytes: 0 } : {}).catch(async (error: unknown) => {
        await reopen()
        throw error
      })
      unread.set(sourceId, Number(more))
      // Which files are there, before anything of them is read: from a place without files whatever is there then would be read again.
      if (isFirst) {
        at = position
        const here = asJson({ tail: position, lines: 0, skip: 0 })
        const reason = 'the mirror begins here: of what the file was rotated to before nothing is read'
        return [
          {
            kind: 'gap',
            begins: true,
            sourceId,
            coordinate: `${host}:${path}#begins`,
            timestampMs: Date.now(),
            from: null,
            to: position.floorMs,
            reason,
            through: here
          }
        ]
      }
      if (replaying && notices.some(isLoss)) return goOn()
      if (entries.length === 0 && notices.length === 0 && !more) {
        await tail.waitForChange(maxWaitMs)
        return []
      }
      const inputs: MirrorInput[] = []
      const endReplay = (): void => {
        replaying = false
        inputs.push({ kind: 'replayed', sourceId })
      }
      for (const notice of notices) if (isLoss(notice)) inputs.push(gapOf(notice, { tail: position, lines: lines + entries.length, skip: 0 }))
      for (const [index, entry] of entries.entries()) {
        if (index < skip) continue
        if (replaying && lines + index >= known) endReplay()
        const place: LinePosition = { tail: at, lines, skip: index }
        const behind: LinePosition = index + 1 === entries.length ? { tail: position, lines: lines + entries.length, skip: 0 } : { ...place, skip: index + 1 }
        const input = { kind: 'line', sourceId, position: asJson(place), line: read(entry) } as const
        inputs.push({ kind: 'brought', input, through: asJson(behind), replay: replaying })
      }
      skip = Math.max(0, skip - entries.length)
      lines += entries.length
      at = position
      if (replaying && lines >= known) endReplay()
      return inputs
    },
    close: () => tail.close()
  }

  function gapOf(notice: Loss, behind: LinePosition): MirrorInput {
    const { kind, fileId, ...facts } = notice
    const readTo = 'readTo' in notice ? notice.readTo : notice.from
    return {
      kind: 'gap',
      sourceId,
      coordinate: `${host}:${path}#${fileId}:${kind}@${readTo}:${behind.lines}`,
      timestampMs: Date.now(),
      from: readTo,
      to: facts as JsonValue,
      reason: reasons[kind],
      through: asJson(behind)
    }
  }
}

const reasons = {
  truncated: 'the file was cut: what was appended between the last look and the cut is lost',
  rewritten: 'lines that had been read were rewritten; what was read before stands',
  gone: 'the file was deleted before it was read to its end'
} as const

/** Whether something may be lost, or is not what it was. */
function isLoss(notice: TailNotice): notice is Loss {
  if (notice.kind === 'found' || notice.kind === 'rotated') return false
  return notice.kind !== 'gone' || notice.unreadBytes !== 0
}

const asJson = (position: LinePosition): JsonValue => position as unknown as JsonValue
