import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '#shared/config/index.ts'
import { catalogue, streams } from '#agents/catalogue.ts'
import { checkout } from '#deploy/local/folders.ts'

interface Service {
  readonly image: string
  readonly profiles?: readonly string[]
  readonly command?: string | readonly string[]
  readonly deploy?: { readonly replicas: number }
  readonly build?: { readonly dockerfile: string }
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly healthcheck?: object
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, null>>
}

const compose = parse(readFileSync(join(checkout, 'docker-compose.yml'), 'utf8'), { merge: true }) as Compose
const services = Object.entries(compose.services)

/** What the service of this name is configured by, as Reeve reads it. */
function configOf(service: string, env: Readonly<Record<string, string>>) {
  expect(compose.services[service]?.volumes?.[0]).toMatch(new RegExp(`^\\./deploy/compose/${service}\\.yaml:/etc/reeve/${service}\\.yaml:ro$`))
  const agents = [...catalogue, ...streams].map(({ name, policy }) => ({ name, policySchema: policy }))
  const loaded = loadConfig({ file: join(checkout, 'deploy/compose', `${service}.yaml`), env, agents })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  return loaded.configs[0]
}

test('docker compose up brings three brokers, Redis, Prometheus, Grafana and Reeve', () => {
  const always = services.filter(([, { profiles }]) => profiles === undefined)
  expect(always.map(([name]) => name).toSorted()).toEqual(['grafana', 'kafka-1', 'kafka-2', 'kafka-3', 'prometheus', 'redis', 'reeve'])
})

test('every image names a version, every port is on this machine alone, nothing gains privileges', () => {
  for (const [name, { image, ports = [], security_opt }] of services) {
    expect(image, name).toMatch(/:[^:]*\d[^:]*$/)
    expect(image, name).not.toContain('latest')
    for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/)
    expect(security_opt, name).toContain('no-new-privileges:true')
  }
})

test('every file that is mounted is there, every volume is declared', () => {
  for (const [name, { volumes = [], build }] of services) {
    if (build) expect(existsSync(join(checkout, build.dockerfile)), name).toBe(true)
    for (const volume of volumes) {
      const source = volume.split(':')[0]!
      if (source.startsWith('./')) expect(existsSync(join(checkout, source)), volume).toBe(true)
      else expect(Object.keys(compose.volumes)).toContain(source)
    }
  }
})

test.each([
  ['reeve', ['kafka-1', 'kafka-2', 'kafka-3', 'redis']],
  ['audit-mirror', ['kafka-1', 'kafka-2', 'kafka-3']]
])('%s writes nothing, has no capability, stands by, and waits for what it needs', (service, waitsFor) => {
  const reeve = compose.services[service]!
  expect(reeve).toMatchObject({ read_only: true, cap_drop: ['ALL'], deploy: { replicas: 2 } })
  const needed = reeve.depends_on as Record<string, { condition: string }>
  expect(Object.keys(needed).toSorted()).toEqual(waitsFor)
  for (const [name, { condition }] of Object.entries(needed)) {
    expect(condition).toBe('service_healthy')
    expect(compose.services[name]?.healthcheck, name).toBeDefined()
  }
})

test('the brokers differ only in what must, name each other, and keep three copies', () => {
  const brokers = services.filter(([name]) => name.startsWith('kafka-'))
  const settings = brokers.map(([, { environment = {} }]) => environment)
  expect(settings.map(each => each['KAFKA_NODE_ID'])).toEqual([1, 2, 3])
  for (const [index, { KAFKA_NODE_ID: _id, KAFKA_ADVERTISED_LISTENERS: advertised, ...rest }] of settings.entries()) {
    const { KAFKA_NODE_ID: _first, KAFKA_ADVERTISED_LISTENERS: _where, ...first } = settings[0]!
    expect(rest).toEqual(first)
    expect(advertised).toMatch(new RegExp(`^INSIDE://kafka-${index + 1}:9092,OUTSIDE://127\\.0\\.0\\.1:${index + 1}9092$`))
    expect(brokers[index]![1].ports).toEqual([`127.0.0.1:${index + 1}9092:9094`])
  }
  expect(settings[0]).toMatchObject({ KAFKA_DEFAULT_REPLICATION_FACTOR: 3, KAFKA_MIN_INSYNC_REPLICAS: 2, KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 3 })
  expect(Buffer.from(String(settings[0]!['CLUSTER_ID']), 'base64url')).toHaveLength(16)
})

test("Reeve's configuration is sound, finds the stack's own brokers and Redis, and acts on nothing", () => {
  const { cluster, redis, http, agents } = configOf('reeve', {})
  expect(cluster.brokers).toEqual(['kafka-1:9092', 'kafka-2:9092', 'kafka-3:9092'])
  expect(new URL(redis.url.reveal()).hostname).toBe('redis')
  expect(http).toMatchObject({ host: '0.0.0.0', port: 9_400 })
  for (const { act } of Object.values(agents)) expect(act).toBe(false)
})

test('the audit mirror runs only where its profile is asked for, with a key that comes from outside, and reads the metadata of those controllers', () => {
  expect(compose.services['audit-mirror']).toMatchObject({
    profiles: ['audit'],
    command: ['stream', 'audit-mirror'],
    environment: { REEVE_AUDIT_KEY: '${REEVE_AUDIT_KEY:-}' }
  })
  const { cluster, http, agents } = configOf('audit-mirror', { REEVE_AUDIT_KEY: 'a key' })
  expect(cluster.brokers).toEqual(['kafka-1:9092', 'kafka-2:9092', 'kafka-3:9092'])
  expect(http).toMatchObject({ host: '0.0.0.0', port: 9_400 })
  expect(agents['audit-mirror']).toMatchObject({ enabled: true, policy: { metadata: { controllers: ['kafka-1:9093', 'kafka-2:9093', 'kafka-3:9093'] } } })
  // On a cluster without an authorizer it would refuse to write.
  expect(compose.services['kafka-1']?.environment).toMatchObject({ KAFKA_SUPER_USERS: 'User:ANONYMOUS' })
  expect(compose.services['kafka-1']?.environment?.['KAFKA_AUTHORIZER_CLASS_NAME']).toMatch(/StandardAuthorizer$/)
})

test('Prometheus looks for each part of Reeve under the name of its service', () => {
  const { scrape_configs } = parse(readFileSync(join(checkout, 'deploy/prometheus/prometheus.yaml'), 'utf8')) as {
    scrape_configs: { job_name: string; dns_sd_configs: { names: string[] }[] }[]
  }
  const jobs = scrape_configs.map(({ job_name, dns_sd_configs }) => [job_name, dns_sd_configs.flatMap(({ names }) => names)])
  expect(jobs).toEqual([
    ['reeve', ['reeve']],
    ['reeve-stream', ['audit-mirror']]
  ])
  for (const [, names] of jobs) for (const name of names!) expect(compose.services).toHaveProperty(name)
})

test('Compose itself finds both files sound', context => {
  const command = [['docker', 'compose'], ['docker-compose']].find(([program = '', ...words]) => spawnSync(program, [...words, 'version']).status === 0)
  if (!command) {
    context.skip('docker compose is missing')
    return
  }
  const [program = '', ...words] = command
  const env = { ...process.env, REEVE_ID: 'x', REEVE_RUN: '/tmp/run', REEVE_CERTIFICATES: '/tmp/certificates', REEVE_PORTS: '1-2' }
  for (const file of ['docker-compose.yml', 'deploy/compose/local-stack.yml']) {
    const { status, stderr } = spawnSync(program, [...words, '-f', file, 'config', '-q'], { cwd: checkout, encoding: 'utf8', env })
    expect(status, stderr).toBe(0)
  }
})
