import { closeSync, createReadStream, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { readForBackup, Restore, restoredState } from '../engine/backup.ts'
import { BackupReader, type BackupRecord, BackupWriter } from '../engine/backup-file.ts'
import { topicSettings } from '../engine/topics.ts'
import type { AddCommand } from './command.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { type Cli, type Session, withSession } from './session.ts'

const progressEvery = 100_000

export const addBackup: AddCommand = (reeve, { cli, global, json }) => {
  const report = (what: 'backup' | 'restore', file: string, records: number): void =>
    cli.out(json() ? JSON.stringify({ [what]: file, records }) : `${what === 'backup' ? 'written' : 'restored'}: ${records} records, ${file}`)
  reeve
    .command('backup')
    .description("Write Reeve's own state, journal and standing commands to a file.")
    .argument('<file>')
    .action(file => withSession(cli, global(), async session => report('backup', file, await backup(cli, session, file))))
  reeve
    .command('restore')
    .description('Bring them back into empty topics of the same cluster, before any replica runs. An interrupted one is run again.')
    .argument('<file>')
    .action(file => withSession(cli, global(), async session => report('restore', file, await restore(cli, session, file))))
}

/** Returns how many records were written. The file appears when it is whole, or not at all. */
async function backup(cli: Cli, session: Session, file: string): Promise<number> {
  const { kafka, topics, clusterId, config } = session
  const partial = `${file}.partial`
  const to = openSync(partial, 'w', 0o600)
  try {
    const topicIds = await idsOf(session)
    const header = { format: 'reeve-backup', version: 1, clusterId, prefix: config.topics.prefix, takenAtMs: Date.now(), topicIds } as const
    const writer = new BackupWriter(header, text => void writeSync(to, text))
    await readForBackup(kafka, topics, record => {
      cli.signal.throwIfAborted()
      writer.add(record)
      if (writer.records % progressEvery === 0) cli.err(`${writer.records} records`)
    })
    writer.end()
    renameSync(partial, file)
    return writer.records
  } finally {
    closeSync(to)
    rmSync(partial, { force: true })
  }
}

/** The whole file is checked before anything is written. */
async function restore(cli: Cli, session: Session, file: string): Promise<number> {
  const { kafka, topics, clusterId, config } = session
  const { header } = await eachRecord(file, () => {})
  if (header.clusterId !== clusterId)
    throw new CommandFailure(
      exitCodes.failed,
      `${file} was taken from cluster ${header.clusterId}, and this is ${clusterId}: what stands there stands on other groups`
    )
  const { brokers } = await kafka.admin.features()
  await kafka.admin.createTopics(topicSettings(topics, brokers))
  const ids = await idsOf(session)
  const into = await Restore.open(kafka, topics)
  try {
    const { records } = await eachRecord(file, async record => {
      cli.signal.throwIfAborted()
      const restored = restoredState(record, header, topic => ids[topic] ?? null)
      if (restored) await into.add(restored)
    })
    const what = `restored from a backup of ${new Date(header.takenAtMs).toISOString()} (topics.prefix ${header.prefix}), ${records} records`
    await into.end({ kind: 'leadership', atMs: Date.now(), epoch: 0, agent: null, subject: config.topics.prefix, what, facts: null })
    return records
  } finally {
    await into.close()
  }
}

async function eachRecord(file: string, take: (record: BackupRecord) => void | Promise<void>) {
  const reader = new BackupReader()
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const record = reader.line(line)
    if (record) await take(record)
  }
  reader.end()
  return { header: reader.header!, records: reader.records }
}

/** Kafka's ids of Reeve's topics, by their names without the prefix. */
async function idsOf({ kafka, topics }: Session): Promise<Record<string, string>> {
  const { topics: seen } = await kafka.admin.scan({ atMs: Date.now() })
  return Object.fromEntries(Object.entries(topics).flatMap(([part, name]) => (seen.has(name) ? [[part, seen.get(name)!.topicId]] : [])))
}
