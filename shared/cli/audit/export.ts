import type { ProvenLog } from '../../audit-log/proving.ts'
import type { AddCommand } from '../command.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import type { Cli, GlobalOptions } from '../session.ts'
import { counting } from './counting.ts'
import { anchorsOf, knownKeys, type LogOptions, prefixOption, several, topicOption, withAuditLog } from './log.ts'
import { proofJson, proofText } from './proof-text.ts'
import { withAnchors } from './verify.ts'

interface ExportOptions extends LogOptions {
  readonly key?: readonly string[] | undefined
  readonly anchor?: readonly string[] | undefined
  readonly force?: true | undefined
}

export const addExport: AddCommand = (audit, { cli, global, json }) => {
  audit
    .command('export')
    .description('Write the log up to its newest checkpoint as a folder that others can verify (C2SP tlog-tiles), read it again and verify it.')
    .argument('<dir>', 'appears when it is whole; until then <dir>.partial')
    .option('--key <vkey>', 'the verifier key of the log, from outside; may come several times', several)
    .option('--anchor <dir>', 'a directory that holds checkpoints; may come several times', several)
    .option('--force', 'replace an export that is there, and begin anew where one was interrupted')
    .addOption(topicOption())
    .addOption(prefixOption())
    .action(async (folder, options) => {
      const { proven, behind } = await exportTo(cli, folder, { ...global(), ...options })
      if (json()) cli.out(JSON.stringify({ export: folder, behind, logs: proven.map(proofJson) }))
      else {
        for (const one of proven) cli.out(proofText(one))
        cli.out(`written: ${folder}${behind === 0 ? '' : `, without ${behind} entries that no checkpoint covers yet`}`)
      }
    })
}

async function exportTo(cli: Cli, into: string, options: GlobalOptions & ExportOptions): Promise<{ proven: readonly ProvenLog[]; behind: number }> {
  const given = options.key && knownKeys(options.key)
  const [
    { openAnchors },
    { FolderRefused, newFolder, openFolder },
    { exportLog },
    { copyAnchors },
    { NotExportable },
    { proveExport },
    { encodeManifest, manifestFile }
  ] = await Promise.all([
    import('../../anchors/index.ts'),
    import('../../audit-export/folder.ts'),
    import('../../audit-export/export-log.ts'),
    import('../../audit-export/copy-anchors.ts'),
    import('../../audit-export/log-files.ts'),
    import('../../audit-export/prove-export.ts'),
    import('../../audit-export/layout.ts')
  ])
  try {
    return await withAuditLog(cli, options, async ({ kafka, clusterId, settings, places }) =>
      withAnchors(openAnchors(anchorsOf(options.anchor, settings.anchors)), async anchors => {
        const folder = newFolder(into, options.force === true)
        const reader = await kafka.openReader()
        try {
          const logs = []
          for (const place of places) {
            const log = await exportLog(reader, place, folder, counting(cli, 'entries written'))
            await copyAnchors(anchors, log, folder.write, message => cli.err(message))
            logs.push(log)
          }
          folder.write([{ path: manifestFile, bytes: encodeManifest({ clusterId, topic: settings.topic, logs }) }])
          const proven: ProvenLog[] = []
          for (const log of logs) {
            // Without a key from outside the log's own is taken: then this says that it was written rightly, and no more.
            const known = given ?? (settings.vkeys.length > 0 ? settings.vkeys : log.vkeys.slice(0, 1))
            const one = await proveExport(openFolder(folder.path), log, known, anchors, { upToSize: log.size, onEntry: counting(cli, 'entries verified') })
            if (one.fault) throw new NotExportable(log.origin, one.fault)
            proven.push(one)
          }
          folder.finish()
          return { proven, behind: logs.reduce((sum, log) => sum + log.behind, 0) }
        } finally {
          await reader.close()
        }
      })
    )
  } catch (error) {
    if (error instanceof FolderRefused) throw new CommandFailure(exitCodes.usage, error.message)
    if (error instanceof NotExportable) throw new CommandFailure(exitCodes.doubtful, `not exported: ${error.message}`)
    throw error
  }
}
