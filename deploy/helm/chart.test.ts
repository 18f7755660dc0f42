import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '#shared/config/index.ts'
import { catalogue, streams } from '#agents/catalogue.ts'
import { programAt } from '#test/support/programs.ts'

const chart = join(import.meta.dirname, 'reeve')
const helm = programAt('helm', 'helm')
const plain = join(chart, 'ci/plain-values.yaml')
const secured = join(chart, 'ci/secured-values.yaml')
const withStream = join(chart, 'ci/stream-values.yaml')
const valueFiles = [plain, secured].map(file => [basename(file), file] as const)
const mounted = '/etc/reeve/secrets'

interface Container {
  readonly image: string
  readonly args: readonly string[]
  readonly resources: object
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
  readonly securityContext: object
  readonly livenessProbe: { readonly httpGet: object }
  readonly readinessProbe: { readonly httpGet: { readonly scheme: string } }
  readonly ports: readonly object[]
}
interface Deployment {
  readonly replicas: number
  readonly selector: { readonly matchLabels: object }
  readonly template: {
    readonly metadata: { readonly labels: object }
    readonly spec: {
      readonly serviceAccountName: string
      readonly securityContext: object
      readonly automountServiceAccountToken: boolean
      readonly containers: readonly [Container]
      readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[]
    }
  }
}
interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  readonly spec: Record<string, unknown>
  readonly data?: Readonly<Record<string, string>>
}

function run(words: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(helm!, words, { encoding: 'utf8' })
}

/** What the chart makes of these values. */
function rendered(values: string, ...more: string[]): readonly Manifest[] {
  const { status, stdout, stderr } = run(['template', 'gov', chart, '--kube-version', '1.30.0', '--values', values, ...more])
  expect(status, stderr).toBe(0)
  return parseAllDocuments(stdout).map(document => document.toJS() as Manifest)
}

/** The same by kind, where there is one of each. */
function render(values: string, ...more: string[]): ReadonlyMap<string, Manifest> {
  return byKind(rendered(values, ...more))
}

function byKind(manifests: readonly Manifest[]): ReadonlyMap<string, Manifest> {
  const found = new Map(manifests.map(manifest => [manifest.kind, manifest]))
  expect(found.size).toBe(manifests.length)
  return found
}

function deploymentOf(manifests: ReadonlyMap<string, Manifest>): Deployment {
  return manifests.get('Deployment')!.spec as unknown as Deployment
}

/** The configuration as Reeve reads it; each secret of the values exists as a file. */
function configOf(text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-chart-'))
  try {
    for (const [, name] of text.matchAll(/\/etc\/reeve\/secrets\/([\w.-]+)/g)) {
      writeFileSync(join(folder, name!), name === 'redis-url' ? 'rediss://:x@redis:6380' : name === 'slack-webhook' ? 'https://hooks.example.org/x' : 'x')
    }
    const agents = [...catalogue, ...streams].map(({ name, policy }) => ({ name, policySchema: policy }))
    const file = join(folder, 'reeve.yaml')
    writeFileSync(file, text.replaceAll(mounted, folder))
    return loadConfig({ file, env: {}, agents })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('the schema of the values knows each that is shipped', () => {
  const { properties } = JSON.parse(readFileSync(join(chart, 'values.schema.json'), 'utf8')) as { properties: Record<string, object> }
  const values = parse(readFileSync(join(chart, 'values.yaml'), 'utf8')) as object
  expect(
    Object.keys(properties)
      .filter(name => name !== 'global')
      .toSorted()
  ).toEqual(Object.keys(values).toSorted())
})

describe('by helm', () => {
  test.beforeEach(context => {
    if (helm === null) context.skip('helm is missing')
  })

  test.each([...valueFiles, [basename(withStream), withStream] as const])('lint finds nothing wrong: %s', (_, values) => {
    const { status, stdout } = run(['lint', chart, '--strict', '--kube-version', '1.30.0', '--values', values])
    expect(status, stdout).toBe(0)
  })

  test('as shipped it is one Deployment of two replicas with what protects it; a monitor only where it is asked for', () => {
    const shipped = render(plain)
    expect([...shipped.keys()].toSorted()).toEqual(['ConfigMap', 'Deployment', 'NetworkPolicy', 'PodDisruptionBudget', 'Service', 'ServiceAccount'])
    expect(shipped.get('Deployment')!.spec).toMatchObject({ replicas: 2 })
    expect(shipped.get('PodDisruptionBudget')!.spec).toMatchObject({ minAvailable: 1 })
    const monitored = render(secured)
    expect([...monitored.keys()]).toContain('ServiceMonitor')
    expect(monitored.get('ServiceMonitor')).toMatchObject({ metadata: { labels: { release: 'prometheus' } }, spec: { jobLabel: 'app.kubernetes.io/name' } })
    // The alerts expect the job `reeve`.
    expect(monitored.get('Service')!.metadata.labels['app.kubernetes.io/name']).toBe('reeve')
  })

  test.each(valueFiles)('pods are no root, write nothing, and everything selects them by the same labels: %s', (_, values) => {
    const manifests = render(values)
    const deployment = deploymentOf(manifests)
    const pod = deployment.template.spec
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1_000, seccompProfile: { type: 'RuntimeDefault' } })
    expect(pod.automountServiceAccountToken).toBe(false)
    const [container] = pod.containers
    expect(container.securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
    expect(container.image).toMatch(/^[\w./-]+(?::\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$/)
    expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'http', scheme: 'HTTP' })
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'http', scheme: 'HTTP' })
    const labels = deployment.selector.matchLabels
    expect(deployment.template.metadata.labels).toMatchObject(labels)
    expect(manifests.get('Service')!.spec['selector']).toEqual(labels)
    expect(manifests.get('PodDisruptionBudget')!.spec['selector']).toEqual({ matchLabels: labels })
    expect(manifests.get('NetworkPolicy')!.spec).toMatchObject({ podSelector: { matchLabels: labels }, policyTypes: ['Ingress', 'Egress'] })
  })

  test.each(valueFiles)('what lands in the ConfigMap is a sound configuration with no secret in it, on the port that is probed: %s', (_, values) => {
    const text = render(values).get('ConfigMap')!.data!['reeve.yaml']!
    const loaded = configOf(text)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
    for (const agent of Object.values(loaded.configs[0].agents)) expect(agent).toMatchObject({ act: false })
    expect(loaded.configs[0].http).toMatchObject({ host: '0.0.0.0', port: 9_400 })
    for (const [, password] of text.matchAll(/password: (.+)/g)) expect(password).toMatch(/^\$\{file:/)
  })

  test('a stream is a Deployment of its own, and neither it nor the agents see what belongs to the other', () => {
    const all = rendered(withStream)
    const ofStream = ({ metadata }: Manifest) => metadata.labels['app.kubernetes.io/component'] === 'audit-mirror'
    const [agents, mirror] = [byKind(all.filter(each => !ofStream(each))), byKind(all.filter(ofStream))]
    expect([...mirror.keys()].toSorted()).toEqual([...agents.keys()].toSorted())
    for (const [kind, { metadata }] of mirror) expect([kind, metadata.name]).toEqual([kind, 'gov-reeve-audit-mirror'])
    const [own, theirs] = [deploymentOf(mirror), deploymentOf(agents)]
    const [container] = own.template.spec.containers
    expect(own.replicas).toBe(2)
    expect(container.args).toEqual(['--config', '/etc/reeve/reeve.yaml', 'stream', 'audit-mirror'])
    expect(container.securityContext).toEqual(theirs.template.spec.containers[0].securityContext)
    expect(container.resources).toMatchObject({ requests: { memory: '512Mi' } })
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toEqual(['/etc/reeve/reeve.yaml', mounted, '/var/log/kafka'])
    const secretsOf = ({ template }: Deployment) => template.spec.volumes.flatMap(({ secret }) => (secret ? [secret.secretName] : []))
    expect([secretsOf(own), secretsOf(theirs)]).toEqual([['reeve-audit-mirror'], ['reeve-secrets']])
    expect([own.template.spec.serviceAccountName, theirs.template.spec.serviceAccountName]).toEqual(['gov-reeve-audit-mirror', 'gov-reeve'])
    // What selects the one must not select the other: a Service would send a scrape, a budget count a pod, too many.
    const selected = (labels: object, by: object) => Object.entries(by).every(([name, value]) => (labels as Record<string, unknown>)[name] === value)
    expect(selected(own.template.metadata.labels, theirs.selector.matchLabels)).toBe(false)
    expect(selected(theirs.template.metadata.labels, own.selector.matchLabels)).toBe(false)
    expect(own.template.metadata.labels).toMatchObject(own.selector.matchLabels)
    expect(mirror.get('Service')!.spec['selector']).toEqual(own.selector.matchLabels)
    for (const kind of ['PodDisruptionBudget', 'ServiceMonitor'])
      expect(mirror.get(kind)!.spec['selector'], kind).toEqual({ matchLabels: own.selector.matchLabels })
    // The alerts expect the job `reeve-stream`.
    expect(mirror.get('ServiceMonitor')!.spec).toMatchObject({ jobLabel: 'app.kubernetes.io/name' })
    expect(mirror.get('Service')!.metadata.labels['app.kubernetes.io/name']).toBe('reeve-stream')
    const { egress, podSelector } = mirror.get('NetworkPolicy')!.spec as { egress: { ports: { port: number }[] }[]; podSelector: object }
    expect(podSelector).toEqual({ matchLabels: own.selector.matchLabels })
    expect(egress[1]!.ports.map(({ port }) => port)).toEqual([9_093, 9_095, 443])
    const text = mirror.get('ConfigMap')!.data!['reeve.yaml']!
    const loaded = configOf(text)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
    expect(loaded.configs[0]).toMatchObject({ http: { host: '0.0.0.0', port: 9_400 }, agents: { 'audit-mirror': { enabled: true } } })
    for (const [, secret] of text.matchAll(/(?:password|hashKey|slackWebhook): (.+)/g)) expect(secret).toMatch(/^\$\{file:/)
  })

  test.each([
    ['streams.audit-mirror.existingSecret=reeve-secrets', /streams\.audit-mirror\.existingSecret: expected another/],
    ['streams.audit-mirror.config.agents.audit-mirror=null', /expected audit-mirror, or it would be off/],
    ['streams.audit-mirror.surprise=1', /surprise/]
  ])('a stream with %s is refused, by name', (value, named) => {
    const { status, stderr } = run(['template', 'gov', chart, '--kube-version', '1.30.0', '--values', withStream, '--set', value])
    expect(status).not.toBe(0)
    expect(stderr).toMatch(named)
  })

  test('the port and its TLS are those of the configuration', () => {
    const [container] = deploymentOf(render(plain, '--set', 'config.http.port=9500', '--set', 'config.http.tls.certFile=a')).template.spec.containers
    expect(container.ports).toEqual([{ name: 'http', containerPort: 9_500, protocol: 'TCP' }])
    expect(container.readinessProbe.httpGet.scheme).toBe('HTTPS')
  })

  test('one replica has no budget that would hold up every drain; pods that must stand apart leave before others come', () => {
    expect(render(plain, '--set', 'replicas=1').has('PodDisruptionBudget')).toBe(false)
    expect(render(secured).get('Deployment')!.spec['strategy']).toMatchObject({ rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } })
  })

  test('without a configuration it is refused', () => {
    const { status, stderr } = run(['template', 'gov', chart, '--kube-version', '1.30.0'])
    expect(status).not.toBe(0)
    expect(stderr).toMatch(/config.*missing properties|missing properties.*config|\/config/s)
  })

  test.each([
    ['image.tag=latest', /image.*tag/],
    ['replica=3', /replica/],
    ['replicas=0', /replicas/],
    ['antiAffinity=maybe', /antiAffinity/],
    ['config.version=2', /config.*version/]
  ])('%s is refused, by name', (value, named) => {
    const { status, stderr } = run(['template', 'gov', chart, '--kube-version', '1.30.0', '--values', plain, '--set', value])
    expect(status).not.toBe(0)
    expect(stderr).toMatch(named)
  })
})
