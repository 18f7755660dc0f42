import { exportLogs } from '#shared/audit-export/export-log.ts'
import type { NewFolder } from '#shared/audit-export/folder.ts'
import { encodeManifest, manifestFile } from '#shared/audit-export/layout.ts'
import type { LogReader } from '#shared/kafka/ports.ts'
import type { AuditTopicWorld } from './audit-topic-world.ts'

/** The logs of a topic, exported into memory. */
export async function exportTopic(reader: LogReader, { worlds }: AuditTopicWorld): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const folder: NewFolder = {
    path: '',
    write(given) {
      for (const { path, bytes } of given) files.set(path, Buffer.from(bytes))
    },
    append(path, lines) {
      for (const line of lines) files.set(path, Buffer.concat([files.get(path) ?? Buffer.alloc(0), line, Buffer.from('\n')]))
    },
    remove(paths) {
      for (const path of paths) files.delete(path)
    },
    finish: () => undefined
  }
  const places = worlds.map(({ place }) => place)
  const logs = await exportLogs(reader, places, folder, () => undefined)
  const { clusterId, topic } = places[0]!
  files.set(manifestFile, encodeManifest({ clusterId, topic, logs }))
  return files
}
