import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from '@commander-js/extra-typings'
import type { Anchor } from '../../anchors/anchor.ts'
import type { CheckStamp, ProvenLog } from '../../audit-log/proving.ts'
import type { Earlier, ProvenTogether } from '../../audit-log/proving-together.ts'
import { originOf } from '../../audit-log/place.ts'
import { type AddCommand, durationOf } from '../command.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import type { Cli, GlobalOptions } from '../session.ts'
import { counting } from './counting.ts'
import { anchorsOf, knownKeys, type LogOptions, prefixOption, several, topicOption, withAuditLog } from './log.ts'
import { proofJson, proofText, requireProven } from './proof-text.ts'

interface VerifyOptions extends LogOptions {
  readonly key?: readonly string[] | undefined
  readonly anchor?: readonly string[] | undefined
  readonly upTo?: number | undefined
  readonly tsaCa?: string | undefined
  readonly earlier?: string | undefined
}

export const addVerify: AddCommand = (audit, { cli, global, json }) => {
  audit
    .command('verify')
    .description(
      'Prove the log, from its topic or from an export: chain, trailers, checkpoints, tiles and anchors. Any doubt ends with 7, no anchor outside with 8.'
    )
    .option('--export <dir>', 'an export, offline: needs no configuration and no Kafka')
    .option('--key <vkey>', 'the verifier key of the log, from outside; may come several times', several)
    .option('--anchor <dir>', 'a directory that holds checkpoints, outside the cluster; may come several times', several)
    .option('--up-to <size>', 'leave out what anchors hold beyond, for an export that is older', sizeOf)
    .option('--tsa-ca <file>', 'PEM of the authorities that may vouch for time stamps; without it they are counted alone')
    .option('--allow-unanchored', 'take a log that attests itself only')
    .option('--anchored-within <duration>', 'take an anchored checkpoint that is older for a doubt; a quiet log makes one a day')
    .option('--earlier <dir>', 'with --export: the export of the topic that this one continues, whose end is compared')
    .addOption(topicOption())
    .addOption(prefixOption())
    .action(async ({ export: folder, allowUnanchored, anchoredWithin, ...options }) => {
      const withinMs = anchoredWithin === undefined ? null : durationOf('--anchored-within', anchoredWithin)
      const nowMs = Date.now()
      const proven = folder === undefined ? await verifyTopic(cli, { ...global(), ...options }) : await verifyFolder(cli, folder, options)
      if (json()) cli.out(JSON.stringify({ logs: proven.map(one => proofJson(one, nowMs)) }))
      else for (const one of proven) cli.out(proofText(one, nowMs))
      requireProven(proven, { allowUnanchored: allowUnanchored === true, withinMs, nowMs })
    })
}

async function verifyTopic(cli: Cli, options: GlobalOptions & VerifyOptions): Promise<ProvenTogether[]> {
  const [{ openAnchors }, { proveLog }, { endsOfLogs, judgeTopic }, { proveTogether }, { readEarlier }] = await Promise.all([
    import('../../anchors/index.ts'),
    import('../../audit-log/proving.ts'),
    import('../../audit-log/read-log.ts'),
    import('../../audit-log/proving-together.ts'),
    import('../../audit-log/earlier-heads.ts')
  ])
  return withAuditLog(cli, options, async ({ kafka, settings, places }) => {
    const known = knownKeys(options.key, settings.vkeys)
    return withAnchors(openAnchors(anchorsOf(options.anchor, settings.anchors)), async anchors => {
      const reader = await kafka.openReader()
      try {
        const proven: ProvenLog[] = []
        const ends = await endsOfLogs(reader, places)
        for (const place of places) {
          const how = { onEntry: counting(cli, 'entries read'), namesBelow: ends.get(place.partition)! }
          proven.push(await proveLog(originOf(place), known, anchors, sizes => judgeTopic(reader, place, known, { sizes, ...how }), await howTo(options)))
        }
        return proveTogether(proven, { exact: false, earlier: await readEarlier(reader, places[0]!, proven[0]!.continues) })
      } finally {
        await reader.close()
      }
    })
  })
}

async function verifyFolder(cli: Cli, folder: string, options: VerifyOptions): Promise<ProvenTogether[]> {
  const known = knownKeys(options.key)
  const [{ openAnchors }, { openFolder }, { endsOfExport, openExport, proveExport }] = await Promise.all([
    import('../../anchors/index.ts'),
    import('../../audit-export/folder.ts'),
    import('../../audit-export/prove-export.ts')
  ])
  const open = (at: string) => {
    const files = openFolder(at)
    const manifest = openExport(files)
    if ('fault' in manifest) throw new CommandFailure(exitCodes.doubtful, `${at}: ${manifest.fault}`)
    return { files, manifest }
  }
  const { files, manifest } = open(folder)
  const before = options.earlier === undefined ? null : open(options.earlier)
  const earlier: Earlier = before ? endsOfExport(before.files, before.manifest, known) : { unseen: 'no export of it is at hand (--earlier)' }
  if (before && 'unseen' in earlier) throw new CommandFailure(exitCodes.doubtful, `${options.earlier}: ${earlier.unseen}`)
  return withAnchors(openAnchors(anchorsOf(options.anchor)), async anchors =>
    proveExport(files, manifest, known, anchors, { ...(await howTo(options)), earlier, onEntry: counting(cli, 'entries read') })
  )
}

export async function withAnchors<T>(anchors: readonly Anchor[], work: (anchors: readonly Anchor[]) => Promise<T>): Promise<T> {
  try {
    return await work(anchors)
  } finally {
    for (const anchor of anchors) anchor.close()
  }
}

async function howTo({ upTo, tsaCa }: VerifyOptions): Promise<{ readonly upToSize?: number; readonly checkStamp?: CheckStamp }> {
  return { ...(upTo !== undefined && { upToSize: upTo }), ...(tsaCa !== undefined && { checkStamp: await stampCheck(tsaCa) }) }
}

async function stampCheck(file: string): Promise<CheckStamp> {
  const { verifyTimeStamp } = await import('../../anchors/index.ts')
  const authorities = readText(file)
  return (token, note) => verifyTimeStamp(token, note, authorities)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandFailure(exitCodes.usage, `--tsa-ca ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

function sizeOf(text: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(text) || !Number.isSafeInteger(Number(text))) throw new InvalidArgumentError('expected a number of entries')
  return Number(text)
}
