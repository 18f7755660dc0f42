export type { CommittedRecords, MetadataLogItem, MetadataPosition, MetadataRecord, QuorumRecord, Rewritten, Silence, Snapshot } from './items.ts'
export { type MetadataLog, type MetadataLogOptions, openMetadataLog } from './metadata-log.ts'
