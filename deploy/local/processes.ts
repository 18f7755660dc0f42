import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureCertificates } from './certificates.ts'
import { output } from './commands.ts'
import { checkout } from './folders.ts'
import { ensureLibraries } from './libraries.ts'
import { nodeProperties, renderProperties } from './node-properties.ts'
import { LocalProcess } from './service.ts'
import type { BringRequest, Brought } from './stack.ts'

/** Brokers that are stopped together lose their quorum and would retry; what they hold is thrown away anyhow. */
const CLOSING_BOUND_MS = 1_500

/** Brokers and Redis as processes of this machine. */
export async function bringProcesses(request: BringRequest): Promise<Brought> {
  const { run, kafkaVersion, plan, log } = request
  const [libraries, certificates] = await Promise.all([ensureLibraries(kafkaVersion, log), ensureCertificates(() => ['keytool'])])
  const cluster = { ...plan, keystore: certificates.keystore, bind: '127.0.0.1' }
  const folders = plan.ports.nodes.map((_, index) => join(run.folder, `node-${index + 1}`))
  await Promise.all(
    folders.map(async (folder, index) => {
      await mkdir(folder)
      await writeFile(join(folder, 'node.properties'), renderProperties(nodeProperties(index + 1, join(folder, 'data'), cluster)))
      await output([
        'java',
        '-XX:TieredStopAtLevel=1',
        '-cp',
        `${libraries.kafkaLibs}/*`,
        'kafka.tools.StorageTool',
        ...formatArguments(request, join(folder, 'node.properties'))
      ])
    })
  )
  const service = (name: string, folder: string, command: readonly string[]) =>
    new LocalProcess({ name, command, folder, logFile: join(run.logs, `${name}.log`), onStart: pid => run.addChild(pid) })
  const redisFolder = join(run.folder, 'redis')
  await mkdir(redisFolder)
  const services = [
    ...folders.map((folder, index) => service(`node-${index + 1}`, folder, brokerCommand(request, libraries.kafkaLibs, folder, `node-${index + 1}`))),
    service('redis', redisFolder, [libraries.redisServer, ...redisArguments(plan.ports.redis, '127.0.0.1', redisFolder), ...request.redis])
  ]
  return {
    services,
    java: ['java'],
    kafkaLibs: libraries.toolsLibs,
    caFile: certificates.caFile,
    start: async () => void (await Promise.all(services.map(each => each.start()))),
    killNow: () => services.forEach(each => each.killNow()),
    close: async () => void (await Promise.all(services.map(each => each.stop('SIGTERM', CLOSING_BOUND_MS))))
  }
}

function brokerCommand({ run, heapMb, jvm }: BringRequest, kafkaLibs: string, folder: string, name: string): string[] {
  const settings = [
    `-Xmx${heapMb}m`,
    `-Dreeve.authorizer.log=${join(run.logs, `${name}-authorizer.log`)}`,
    `-Dlog4j2.configurationFile=${join(checkout, 'deploy/local/log4j2.properties')}`,
    ...jvm
  ]
  return ['java', ...settings, '-cp', `${kafkaLibs}/*`, 'kafka.Kafka', join(folder, 'node.properties')]
}

/** Arguments of Kafka's StorageTool: formats a node's folder and makes the users. */
export function formatArguments({ clusterId, plan, features }: Pick<BringRequest, 'clusterId' | 'plan' | 'features'>, propertiesFile: string): string[] {
  const users = Object.entries(plan.principals).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism => ['--add-scram', `${mechanism}=[name=${name},password=${password}]`])
  )
  return ['format', '-t', clusterId, '-c', propertiesFile, ...Object.entries(features).flatMap(([name, level]) => ['--feature', `${name}=${level}`]), ...users]
}

/** What BullMQ needs of a Redis: nothing evicted, every write in a file that survives a crash. */
export function redisArguments(port: number, bind: string, folder: string): string[] {
  return ['--port', String(port), '--bind', bind, '--dir', folder, '--appendonly', 'yes', '--maxmemory-policy', 'noeviction', '--save', '']
}
