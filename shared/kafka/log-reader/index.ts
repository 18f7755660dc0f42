export { type FetchedBatches, openLogReader, type RawLogReader } from './log-reader.ts'
export type { KnownBatch, PollOptions, ReaderOptions } from './batch-reader.ts'
export type { BatchHeader } from './batch.ts'
export type { BatchKind } from './committed.ts'
