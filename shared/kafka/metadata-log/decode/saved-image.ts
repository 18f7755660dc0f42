import type { JsonValue } from '../../../domain/json.ts'
import { emptyImage, type MetadataImage, type TopicState } from './image.ts'

const format = 1

/** The image as JSON, so that it outlives the process: after a snapshot the log cannot give the image of before again. Holds no secret. */
export function savedImage(image: MetadataImage): JsonValue {
  const { topics, nextProducerId, zkMigrationState, unapplied, ...sections } = image
  const saved = {
    format,
    topics: [...topics.values()].map(({ id, name, partitions }) => ({ id, name, partitions: [...partitions] })),
    nextProducerId,
    zkMigrationState,
    unapplied,
    sections: Object.fromEntries(Object.entries<ReadonlyMap<string, unknown>>(sections).map(([name, entries]) => [name, [...entries]]))
  }
  return saved as unknown as JsonValue
}

interface Saved extends Pick<MetadataImage, 'nextProducerId' | 'zkMigrationState' | 'unapplied'> {
  readonly format: number
  readonly topics: readonly (Omit<TopicState, 'partitions'> & { readonly partitions: Iterable<readonly [number, never]> })[]
  readonly sections: Readonly<Record<string, Iterable<readonly [string, never]>>>
}

/** What `savedImage` saved. Throws for another format. */
export function restoredImage(json: JsonValue): MetadataImage {
  const saved = json as unknown as Saved
  if (saved.format !== format) throw new Error(`a saved image of format ${JSON.stringify(saved.format)}, expected ${format}`)
  const image = { ...emptyImage(), nextProducerId: saved.nextProducerId, zkMigrationState: saved.zkMigrationState, unapplied: saved.unapplied }
  for (const { id, name, partitions } of saved.topics) image.topics.set(id, { id, name, partitions: new Map(partitions) })
  for (const [name, entries] of Object.entries(saved.sections)) {
    const section: Map<string, unknown> = image[name as 'acls']
    for (const [key, state] of entries) section.set(key, state)
  }
  return image
}
