import { existsSync, writeFileSync } from 'node:fs'
import type { ExportFiles, Manifest } from '../../audit-export/layout.ts'
import type { ProvenTogether } from '../../audit-log/proving-together.ts'
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
      const nowMs = Date.now()
      if (json()) cli.out(JSON.stringify({ export: folder, ...(html !== undefined && { html }), behind, logs: proven.map(one => proofJson(one, nowMs)) }))
      else {
        for (const one of proven) cli.out(proofText(one, nowMs))
        cli.out(`written: ${folder}${behind === 0 ? '' : `, without ${behind} entries that no checkpoint covers yet`}`)
        if (html !== undefined) cli.out(`written: ${html}`)
      }
    })
}

async function exportTo(cli: Cli, into: string, options: GlobalOptions & ExportOptions): Promise<{ proven: readonly ProvenTogether[]; behind: number }> {
  const given = options.key && knownKeys(options.key)
  if (options.html !== undefined && options.force !== true && existsSync(options.html))
    throw new CommandFailure(exitCodes.usage, `${options.html} is there already: --force replaces it`)
  const [
    { openAnchors },
    { FolderRefused, newFolder, openFolder },
    { exportLogs },
    { copyAnchors },
    { NotExportable },
    { proveExport },
    { encodeManifest, manifestFile },
    { readEarlier },
    { readGenesis }
  ] = await Promise.all([
    import('../../anchors/index.ts'),
    import('../../audit-export/folder.ts'),
    import('../../audit-export/export-log.ts'),
    import('../../audit-export/copy-anchors.ts'),
    import('../../audit-export/log-files.ts'),
    import('../../audit-export/prove-export.ts'),
    import('../../audit-export/layout.ts'),
    import('../../audit-log/earlier-heads.ts'),
    import('../../audit-log/genesis.ts')
  ])
  try {
    return await withAuditLog(cli, options, async ({ kafka, clusterId, settings, places }) =>
      withAnchors(openAnchors(anchorsOf(options.anchor, settings.anchors)), async anchors => {
        const folder = newFolder(into, options.force === true)
        const reader = await kafka.openReader()
        try {
          const logs = await exportLogs(reader, places, folder, counting(cli, 'entries written'))
          for (const log of logs) await copyAnchors(anchors, log, folder.write, message => cli.err(message))
          const manifest = { clusterId, topic: settings.topic, logs }
          folder.write([{ path: manifestFile, bytes: encodeManifest(manifest) }])
          // Without a key from outside the logs' own are taken: then this says that they were written rightly, and no more.
          const known = given ?? (settings.vkeys.length > 0 ? settings.vkeys : logs.flatMap(({ vkeys }) => vkeys.slice(0, 1)))
          const earlier = await readEarlier(reader, places[0]!, (await readGenesis(reader, places[0]!))?.continues ?? [])
          const onEntry = counting(cli, 'entries verified')
          const proven = await proveExport(openFolder(folder.path), manifest, known, anchors, { upToSize: 'exported', onEntry, earlier })
          const wrong = proven.find(({ fault }) => fault !== null)
          if (wrong) throw new NotExportable(wrong.origin, wrong.fault!)
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
