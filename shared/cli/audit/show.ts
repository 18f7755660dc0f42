import { type Entry, readEntry } from '../../audit/entry.ts'
import { wsOf } from '../../audit/describe.ts'
import type { LogPlace } from '../../audit-log/place.ts'
import type { JsonValue } from '../../domain/json.ts'
import type { LogReader } from '../../kafka/ports.ts'
import { parseCheckpoint } from '../../proof/checkpoint.ts'
import { unverifiedText } from '../../proof/note.ts'
import { ProofError } from '../../proof/proof-error.ts'
import { printable } from '../../render/table.ts'
import type { AddCommand } from '../command.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'
import type { Cli } from '../session.ts'
import { counting } from './counting.ts'
import { prefixOption, topicOption, withAuditLog } from './log.ts'

/** One entry, and what the log says of it behind. */
interface Shown {
  readonly place: LogPlace
  readonly entry: Entry
  /** The event that says who made this change, or that nobody was found. */
  readonly attribution: Entry | null
  /** The first checkpoint that covers it. */
  readonly checkpoint: { readonly size: number; readonly note: Uint8Array } | null
}

export const addShow: AddCommand = (audit, { cli, global, json }) => {
  audit
    .command('show')
    .description('One entry with all that it says, who made the change, and the checkpoint that covers it. Verifies the entry alone.')
    .argument('<entry>', 'its sequence or eventId; in a topic of several logs a sequence with its partition, such as 2/17')
    .option('--proof', 'its proof against the checkpoint (C2SP tlog-proof), made from the whole log')
    .addOption(topicOption())
    .addOption(prefixOption())
    .action(async (which, { proof, ...options }) => {
      const [, partition, sequence] = /^(?:(\d{1,2})\/)?(0|[1-9][0-9]{0,14})$/.exec(which) ?? []
      const named = sequence ?? which
      if (sequence === undefined && !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(which))
        throw new CommandFailure(exitCodes.usage, `${which}: expected a sequence such as 17, or an eventId`)
      const { offsetOfSequence, walkLog } = await import('../../audit-log/walk.ts')
      await withAuditLog(cli, { ...global(), ...options }, async ({ kafka, places }) => {
        if (sequence !== undefined && partition === undefined && places.length > 1)
          throw new CommandFailure(exitCodes.usage, `${which}: the topic has ${places.length} logs: say which, such as 0/${which}`)
        const reader = await kafka.openReader()
        try {
          for (const place of places.filter(each => partition === undefined || each.partition === Number(partition))) {
            const from = sequence === undefined ? 'start' : await offsetOfSequence(reader, place, Number(sequence))
            const shown = from === null ? null : await find(cli, reader, place, named, from)
            if (shown === null) continue
            const proven = proof === true ? await proofOf(cli, reader, shown) : null
            cli.out(json() ? JSON.stringify(jsonOf(shown, proven)) : textOf(shown, proven))
            return
          }
          throw new CommandFailure(exitCodes.unanswered, `the log has no entry ${which}`)
        } finally {
          await reader.close()
        }
      })

      /** Reads on behind the entry until what is said of it was found. */
      async function find(command: Cli, reader: LogReader, place: LogPlace, wanted: string, from: number | 'start'): Promise<Shown | null> {
        const onEntry = counting(command, 'records read')
        const found: { entry: Entry | null; attribution: Entry | null; checkpoint: Shown['checkpoint'] } = { entry: null, attribution: null, checkpoint: null }
        let count = 0
        await walkLog(reader, place, from, ({ key, value }) => {
          onEntry(count++)
          const kind = key?.toString('latin1')
          if (kind === 'note' && found.entry) found.checkpoint ??= checkpointOf(value)
          const entry = kind === 'event' ? readEntry(value ?? Buffer.alloc(0)) : null
          if (entry && !('fault' in entry)) {
            if (String(entry.sequence) === wanted || entry.eventId === wanted) found.entry ??= entry
            else if (found.entry && isAttribution(entry, found.entry)) found.attribution ??= entry
          }
          return found.checkpoint !== null && found.entry !== null && (found.attribution !== null || !isChange(found.entry))
        })
        return found.entry === null ? null : { place, ...found, entry: found.entry }
      }
    })
}

async function proofOf(cli: Cli, reader: LogReader, { place, entry, checkpoint }: Shown): Promise<string> {
  if (checkpoint === null) throw new CommandFailure(exitCodes.unanswered, `no checkpoint covers entry ${entry.sequence} yet`)
  const { entryProof } = await import('../../audit-log/entry-proof.ts')
  return entryProof(reader, place, entry.sequence, checkpoint, counting(cli, 'entries read'))
}

/** Null for what is none: somebody else's record, which `verify` names. */
function checkpointOf(note: Uint8Array | null): Shown['checkpoint'] {
  try {
    return note && { size: parseCheckpoint(unverifiedText(note)).size, note }
  } catch (error) {
    if (error instanceof ProofError) return null
    throw error
  }
}

const isChange = ({ value }: Entry): boolean => value['source'] === 'metadata-log' || value['source'] === 'admin-scan'
const isAttribution = ({ eventType, value }: Entry, of: Entry): boolean => /^change\.(un)?attributed$/.test(eventType) && value['causationId'] === of.eventId

function jsonOf({ entry, attribution, checkpoint }: Shown, proof: string | null): object {
  const covered = checkpoint && { size: checkpoint.size, note: Buffer.from(checkpoint.note).toString('utf8') }
  return { entry: entry.value, attribution: attribution?.value ?? null, checkpoint: covered, ...(proof !== null && { proof }) }
}

function textOf({ entry, attribution, checkpoint }: Shown, proof: string | null): string {
  const { unmapped, message } = entry.value.payload
  const said = (value: JsonValue | undefined): string | null =>
    value === undefined || value === null ? null : typeof value === 'string' ? value : JSON.stringify(value)
  const rows: (readonly [string, string | null])[] = [
    ['entry', `${entry.origin}#${entry.sequence}`],
    ['event', entry.eventId],
    ...Object.entries(wsOf(entry)),
    ['message', said(message)],
    ['source', said(entry.value['source'])],
    ...Object.entries(unmapped).map(([name, value]) => [name, said(value)] as const),
    ['attributed', attribution && `${attribution.eventType} #${attribution.sequence}: ${said(attribution.value.payload.unmapped)}`],
    ['fingerprint', entry.fingerprint],
    ['checkpoint', checkpoint ? `covered by the one of ${checkpoint.size} entries` : 'none covers it yet']
  ]
  const text = rows.flatMap(([name, value]) => (value === null ? [] : [printable(`${name.padEnd(12)}  ${value}`)])).join('\n')
  return proof === null ? text : `${text}\n\n${proof.trimEnd()}`
}
