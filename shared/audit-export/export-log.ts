import type { LogPlace } from '../audit-log/place.ts'
import type { LogReader } from '../kafka/ports.ts'
import type { NewFolder } from './folder.ts'
import { type ExportedLog, paths } from './layout.ts'
import { openLogFiles } from './log-files.ts'

/**
 * Writes one log of the topic into an export, up to its newest checkpoint. Takes the reader's assignment of this partition. Throws
 * NotExportable where the log is not right, KafkaFault where it cannot be read, and whatever `onEntry` throws.
 */
export async function exportLog(reader: LogReader, place: LogPlace, folder: NewFolder, onEntry: (sequence: number) => void): Promise<ExportedLog> {
  const { topic, partition } = place
  const files = openLogFiles(place)
  await reader.assign(topic, partition, 'start')
  await reader.readToEnd(({ key, value }) => {
    if (key?.equals(eventKey)) onEntry(files.size)
    const written = files.take(key?.toString('latin1') ?? '', value ?? Buffer.alloc(0))
    folder.write(written.files)
    folder.append(paths.trailers(String(partition)), written.trailers)
  })
  reader.unassign(topic, partition)
  const { files: last, gone, log } = files.end()
  folder.remove(gone)
  folder.write(last)
  return log
}

const eventKey = Buffer.from('event')
