import { lineOf, wsOf } from '../../audit/describe.ts'
import { readEntry } from '../../audit/entry.ts'
import { matchesGlob } from '../../domain/glob.ts'
import type { LogRecord } from '../../kafka/ports.ts'
import { printable } from '../../render/table.ts'
import { type AddCommand, durationOf } from '../command.ts'
import { prefixOption, topicOption, withAuditLog } from './log.ts'

export const addTail: AddCommand = (audit, { cli, global, json }) => {
  audit
    .command('tail')
    .description('One line an event, newest last: when, who, what, from where, how, with which result. Verifies nothing.')
    .option('--since <duration>', 'how far back, by when it was written', '1h')
    .option('--type <glob>', 'events of these types, such as topic.*', '*')
    .option('--who <glob>', 'of these principals', '*')
    .option('--follow', 'go on until stopped')
    .addOption(topicOption())
    .addOption(prefixOption())
    .action(async ({ since, type, who, follow, ...options }) => {
      const sinceMs = Date.now() - durationOf('--since', since)
      let several = false
      const show = ({ key, value, partition, offset }: LogRecord): void => {
        if (key?.toString('latin1') !== 'event') return
        const entry = readEntry(value ?? Buffer.alloc(0))
        if ('fault' in entry) return cli.err(`offset ${offset} holds no entry: ${printable(entry.fault)}`)
        if (!matchesGlob(type, entry.eventType) || !matchesGlob(who, wsOf(entry).who ?? '')) return
        cli.out(json() ? value!.toString('utf8') : printable(lineOf(entry, several ? `${partition}/${entry.sequence}` : undefined)))
      }
      await withAuditLog(cli, { ...global(), ...options }, async ({ kafka, places }) => {
        several = places.length > 1
        const reader = await kafka.openReader()
        try {
          for (const { topic, partition } of places)
            await reader.assign(topic, partition, (await kafka.admin.offsetForTimestamp(topic, partition, sinceMs)) ?? 'end')
          await reader.readToEnd(show)
          if (!follow) return
          while (!cli.signal.aborted)
            for (const { records } of await reader.poll({ maxWaitMs: 1_000, signal: cli.signal })) for (const record of records) show(record)
        } finally {
          await reader.close()
        }
      })
    })
}
