import { existsSync, writeFileSync } from 'node:fs'
import type { ExportFiles, Manifest } from '../../audit-export/layout.ts'
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
  readonly html?: string | undefined
}

export const addExport: AddCommand = (audit, { cli, global, json }) => {
  audit
    .command('export')
    .description('Write the log up to its newest checkpoint as a folder that others can verify (C2SP tlog-tiles), read it again and verify it.')
    .argument('<dir>', 'appears when it is whole; until then <dir>.partial')
    .option('--key <vkey>', 'the verifier key of the log, from outside; may come several times', several)
    .option('--anchor <dir>', 'a directory that holds checkpoints; may come several times', several)
    .option('--force', 'replace an export that is there, and begin anew where one was interrupted')
    .option('--html <file>', 'write it as one page too, which shows and verifies it in a browser and loads nothing')
    .addOption(topicOption())
    .addOption(prefixOption())
    .action(async (folder, options) => {
      const { proven, behind } = await exportTo(cli, folder, { ...global(), ...options })
      const { html } = options
      if (json()) cli.out(JSON.stringify({ export: folder, ...(html !== undefined && { html }), behind, logs: proven.map(proofJson) }))
      else {
        for (const one of proven) cli.out(proofText(one))
        cli.out(`written: ${folder}${behind === 0 ? '' : `, without ${behind} entries that no checkpoint covers yet`}`)
        if (html !== undefined) cli.out(`written: ${html}`)
      }
    })
}

async function exportTo(cli: Cli, into: string, options: GlobalOptions & ExportOptions): Promise<{ proven: readonly ProvenLog[]; behind: number }> {
  const given = options.key && knownKeys(options.key)
  if (options.html !== undefined && options.force !== true && existsSync(options.html))
    throw new CommandFailure(exitCodes.usage, `${options.html} is there already: --force replaces it`)
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
          const manifest = { clusterId, topic: settings.topic, logs }
          folder.write([{ path: manifestFile, bytes: encodeManifest(manifest) }])
          const proven: ProvenLog[] = []
          for (const log of logs) {
            // Without a key from outside the log's own is taken: then this says that it was written rightly, and no more.
            const known = given ?? (settings.vkeys.length > 0 ? settings.vkeys : log.vkeys.slice(0, 1))
            const one = await proveExport(openFolder(folder.path), log, known, anchors, { upToSize: log.size, onEntry: counting(cli, 'entries verified') })
            if (one.fault) throw new NotExportable(log.origin, one.fault)
            proven.push(one)
          }
          folder.finish()
          if (options.html !== undefined) await writePage(options.html, options.force === true, openFolder(into), manifest)
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

async function writePage(file: string, force: boolean, files: ExportFiles, manifest: Manifest): Promise<void> {
  const { auditPage } = await import('../../audit-page/audit-page.ts')
  try {
    writeFileSync(file, auditPage(files, manifest), { flag: force ? 'w' : 'wx' })
  } catch (error) {
    throw new CommandFailure(exitCodes.failed, `the export is written, the page is not: ${(error as Error).message}`)
  }
}
