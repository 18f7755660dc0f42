export type { CommittedRecords, MetadataLogItem, MetadataPosition, Rewritten, Snapshot } from './items.ts'
export { type MetadataLog, openMetadataLog } from './metadata-log.ts'
