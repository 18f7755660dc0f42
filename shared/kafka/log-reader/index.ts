export type { ReaderOptions } from './batch-reader.ts'
export { openLogReader } from './log-reader.ts'
