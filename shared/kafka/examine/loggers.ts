import { describeConfigsV4 } from '@platformatic/kafka'
import { errorText, reason } from '../admin/holes.ts'
import type { Cluster } from '../cluster.ts'
import type { Incomplete } from '../ports.ts'

const brokerLogger = 8 as const // ConfigResource.Type BROKER_LOGGER (KIP-412)

/**
 * Levels of loggers by broker and name, such as `INFO`; a logger that a broker does not list has the level of the one that it would take it
 * from. Needs DESCRIBE_CONFIGS on the cluster. Throws KafkaFault where no metadata came.
 */
export async function loggerLevels(cluster: Cluster, names: readonly string[]): Promise<Incomplete<ReadonlyMap<number, ReadonlyMap<string, string>>>> {
  const { brokers } = await cluster.metadata([])
  const value = new Map<number, ReadonlyMap<string, string>>()
  const unseen: { id: string; why: string }[] = []
  const configurationKeys = [...new Set(names.flatMap(lineage))]
  await Promise.all(
    brokers.map(async ({ nodeId: broker }) => {
      try {
        const asked = [{ resourceType: brokerLogger, resourceName: String(broker), configurationKeys }]
        const { results } = await cluster.request(broker, describeConfigsV4.api, asked, false, false)
        for (const { errorCode, errorMessage, configs } of results) {
          if (errorCode !== 0) unseen.push({ id: `broker ${broker}`, why: errorText(errorCode, errorMessage) })
          else value.set(broker, levelsOf(names, new Map(configs.flatMap(({ name, value: level }) => (level == null ? [] : [[name, level] as const])))))
        }
      } catch (error) {
        unseen.push({ id: `broker ${broker}`, why: reason(error) })
      }
    })
  )
  return { value, unseen }
}

function levelsOf(names: readonly string[], listed: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    names.flatMap(name => {
      const level = lineage(name).flatMap(each => listed.get(each) ?? [])[0]
      return level === undefined ? [] : [[name, level] as const]
    })
  )
}

/** `kafka.request.logger`, `kafka.request`, `kafka`, `root` */
function lineage(name: string): string[] {
  const parts = name.split('.')
  return [...parts.map((_, index) => parts.slice(0, parts.length - index).join('.')), 'root']
}
