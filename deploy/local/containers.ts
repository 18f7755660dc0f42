import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureCertificates } from './certificates.ts'
import { answers, output } from './commands.ts'
import { checkout } from './folders.ts'
import { nodeProperties, portCount, renderProperties } from './node-properties.ts'
import { formatArguments, redisArguments } from './processes.ts'
import type { Service } from './service.ts'
import type { BringRequest, Brought } from './stack.ts'

/** Where the image apache/kafka keeps its jars. */
const KAFKA_LIBS = '/opt/kafka/libs'

/** Why containers cannot run here; undefined when they can. */
export async function whyNotContainers(): Promise<string | undefined> {
  if (!(await answers(['docker', 'compose', 'version']))) return 'docker compose is not there'
  return (await answers(['docker', 'version'])) ? undefined : 'no Docker engine answers'
}

/** The same stack by deploy/compose/local-stack.yml: the containers share one network whose ports are published to 127.0.0.1, so every address is the same inside and out. */
export async function bringContainers(request: BringRequest): Promise<Brought> {
  const { run, kafkaVersion, plan } = request
  const nodes = plan.ports.nodes.length
  const first = plan.ports.redis + 1 - portCount(nodes, Object.keys(plan.listeners ?? {}).length)
  const image = `apache/kafka:${kafkaVersion}`
  const keytool = (folder: string) => [
    'docker',
    'run',
    '--rm',
    '--user',
    `${process.getuid?.() ?? 0}`,
    '-v',
    `${folder}:${folder}`,
    '--entrypoint',
    'keytool',
    image
  ]
  const certificates = await ensureCertificates(keytool)
  const cluster = { ...plan, keystore: certificates.keystore, bind: '0.0.0.0' }
  for (let id = 1; id <= nodes; id++) {
    const folder = join(run.folder, `node-${id}`)
    await mkdir(folder)
    await writeFile(join(folder, 'node.properties'), renderProperties(nodeProperties(id, '/tmp/kafka', cluster)))
    const format = formatArguments(request, join(folder, 'node.properties')).map(word => `'${word}'`)
    await writeFile(
      join(folder, 'start.sh'),
      `/opt/kafka/bin/kafka-storage.sh ${format.join(' ')} --ignore-formatted &&\nexec /opt/kafka/bin/kafka-server-start.sh ${join(folder, 'node.properties')}\n`
    )
  }
  const env = {
    ...process.env,
    REEVE_ID: run.id,
    KAFKA_VERSION: kafkaVersion,
    REEVE_HEAP: [`-Xmx${request.heapMb}m`, ...request.jvm].join(' '),
    REEVE_RUN: run.folder,
    REEVE_CERTIFICATES: certificates.folder,
    REEVE_PORTS: `${first}-${plan.ports.redis}`,
    REEVE_REDIS: [...redisArguments(plan.ports.redis, '0.0.0.0', '/data'), ...request.redis].map(word => word || '""').join(' ')
  }
  const compose = ['docker', 'compose', '-p', `reeve-${run.id.toLowerCase()}`, '-f', join(checkout, 'deploy/compose/local-stack.yml')]
  run.setContainersEnd(['docker', 'rm', '--force', '--volumes', ...containerNames(run.id, nodes)])
  const names = [...plan.ports.nodes.map((_, index) => `node-${index + 1}`), 'redis']
  return {
    services: names.map(name => container(name, `reeve-${run.id}-${name}`)),
    java: ['docker', 'exec', '--interactive', `reeve-${run.id}-node-1`, 'java'],
    kafkaLibs: KAFKA_LIBS,
    caFile: certificates.caFile,
    start: async () => void (await output([...compose, 'up', '--detach', 'network', ...names], { env })),
    killNow: () => void spawnSync('docker', ['rm', '--force', '--volumes', ...containerNames(run.id, nodes)]),
    close: async () => {
      for (const name of names) {
        // A container that never came up has no log; its absence is not what the caller wants to hear of.
        const words = await output(['docker', 'logs', `reeve-${run.id}-${name}`]).catch(String)
        await writeFile(join(run.logs, `${name}.log`), words)
      }
      await output(['docker', 'rm', '--force', '--volumes', ...containerNames(run.id, nodes)])
    }
  }
}

function containerNames(id: string, nodes: number): string[] {
  return ['network', 'redis', ...Array.from({ length: nodes }, (_, index) => `node-${index + 1}`)].map(name => `reeve-${id}-${name}`)
}

function container(name: string, containerName: string): Service {
  const docker = async (...args: string[]) => void (await output(['docker', ...args, containerName]))
  return {
    name,
    pid: undefined,
    start: () => docker('start'),
    stop: signal => (signal === 'SIGKILL' ? docker('kill') : docker('stop')),
    pause: () => docker('pause'),
    resume: () => docker('unpause'),
    died: async () => {
      await docker('wait')
      return `${name} ended; its last lines:\n${await output(['docker', 'logs', '--tail', '15', containerName])}`
    }
  }
}
