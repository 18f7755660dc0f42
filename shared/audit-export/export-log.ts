import { setTimeout as sleep } from 'node:timers/promises'
import type { NamedHead } from '../audit/together.ts'
import { type LogPlace, originOf } from '../audit-log/place.ts'
import type { LogReader } from '../kafka/ports.ts'
import type { NewFolder } from './folder.ts'
import { type ExportedLog, paths } from './layout.ts'
import { NotExportable, openLogFiles } from './log-files.ts'

const lookEveryMs = 100
const patienceMs = 30_000

/**
 * Writes the logs of a topic into an export: the first up to its newest checkpoint, the others up to the one of the same transaction. Takes the reader's
 * assignment of their partitions. Throws NotExportable where a log is not right, KafkaFault where one cannot be read, and whatever `onEntry` throws.
 */
export async function exportLogs(
  reader: LogReader,
  places: readonly LogPlace[],
  folder: NewFolder,
  onEntry: (sequence: number) => void
): Promise<readonly ExportedLog[]> {
  const logs: ExportedLog[] = []
  let heads: readonly NamedHead[] | null = null
  for (const place of places) {
    const named = heads?.[place.partition]?.size
    const exported = await exportLog(reader, place, folder, onEntry, named)
    heads ??= exported.heads
    logs.push(exported.log)
  }
  return logs
}

async function exportLog(reader: LogReader, place: LogPlace, folder: NewFolder, onEntry: (sequence: number) => void, firstAbove: number | undefined) {
  const { topic, partition } = place
  const files = openLogFiles(place, firstAbove)
  await reader.assign(topic, partition, 'start')
  try {
    for (const lateMs = performance.now() + patienceMs; ; await sleep(lookEveryMs)) {
      await reader.readToEnd(({ key, value }) => {
        if (key?.equals(eventKey) && !files.isDone) onEntry(files.size)
        const written = files.take(key?.toString('latin1') ?? '', value ?? Buffer.alloc(0))
        folder.write(written.files)
        folder.append(paths.trailers(String(partition)), written.trailers)
      })
      if (firstAbove === undefined || files.isDone) break
      // Its markers are written a moment after those of the first log.
      if (performance.now() > lateMs)
        throw new NotExportable(originOf(place), {
          sequence: files.size,
          reason: `CUT: it has no checkpoint of more than ${firstAbove} entries, another log of its topic has`
        })
    }
  } finally {
    reader.unassign(topic, partition)
  }
  const { files: last, gone, log } = files.end()
  folder.remove(gone)
  folder.write(last)
  return { log, heads: files.heads }
}

const eventKey = Buffer.from('event')
