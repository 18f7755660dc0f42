export type { ReaderOptions } from './options.ts'
export { openLogReader } from './log-reader.ts'
