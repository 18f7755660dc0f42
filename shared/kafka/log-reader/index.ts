export { openLogReader } from './log-reader.ts'
