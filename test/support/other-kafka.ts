import { join } from 'node:path'
import { output } from '#deploy/local/commands.ts'
import { ensureLibraries } from '#deploy/local/libraries.ts'
import { LocalProcess } from '#deploy/local/service.ts'

/** A node that no stack knows how to start: of another version than its stack, or with classes that are not Kafka's. Its owner ends it. */
export interface OtherNode {
  /** Its folder, with `node.properties` and, where it ran before, its data. */
  readonly folder: string
  readonly kafkaVersion: string
  /** A folder of classes that come before Kafka's. */
  readonly classes?: string
  /** Default: 256. */
  readonly heapMb?: number
  /** Arguments of its Java. */
  readonly jvm?: readonly string[]
  readonly onStart?: (pid: number) => void
}

/** Starts Kafka on what a folder holds; resolves when the process runs, not when it answers. */
export async function startNode({ folder, kafkaVersion, classes, heapMb = 256, jvm = [], onStart = () => {} }: OtherNode): Promise<LocalProcess> {
  const { kafkaLibs } = await ensureLibraries(kafkaVersion, () => {})
  const classPath = [...(classes === undefined ? [] : [classes]), `${kafkaLibs}/*`].join(':')
  const command = ['java', `-Xmx${heapMb}m`, ...jvm, '-cp', classPath, 'kafka.Kafka', join(folder, 'node.properties')]
  const node = new LocalProcess({ name: `Kafka ${kafkaVersion}`, command, folder, logFile: join(folder, 'other.log'), onStart })
  await node.start()
  return node
}

/** Prepares the folder of a node that stands alone, as its version would by itself. */
export async function format({ folder, kafkaVersion }: Pick<OtherNode, 'folder' | 'kafkaVersion'>): Promise<void> {
  const { kafkaLibs } = await ensureLibraries(kafkaVersion, () => {})
  const tool = ['java', '-cp', `${kafkaLibs}/*`, 'kafka.tools.StorageTool']
  await output([...tool, 'format', '-t', 'ReeveLoneNodeClusterIA', '-c', join(folder, 'node.properties')])
}
