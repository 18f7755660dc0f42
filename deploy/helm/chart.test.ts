import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { loadConfig } from '#shared/config/index.ts'
import { catalogue } from '#agents/catalogue.ts'
import { programAt } from '#test/support/programs.ts'

const chart = join(import.meta.dirname, 'reeve')
const helm = programAt('helm', 'helm')
const plain = join(chart, 'ci/plain-values.yaml')
const secured = join(chart, 'ci/secured-values.yaml')
const valueFiles = [plain, secured].map(file => [basename(file), file] as const)
const mounted = '/etc/reeve/secrets'

interface Container {
  readonly image: string
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
    readonly spec: { readonly securityContext: object; readonly automountServiceAccountToken: boolean; readonly containers: readonly [Container] }
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

/** What the chart makes of these values, by kind. */
function render(values: string, ...more: string[]): ReadonlyMap<string, Manifest> {
  const { status, stdout, stderr } = run(['template', 'gov', chart, '--kube-version', '1.30.0', '--values', values, ...more])
  expect(status, stderr).toBe(0)
  const manifests = parseAllDocuments(stdout).map(document => document.toJS() as Manifest)
  return new Map(manifests.map(manifest => [manifest.kind, manifest]))
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
    const agents = catalogue.map(({ name, policy }) => ({ name, policySchema: policy }))
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

  test.each(valueFiles)('lint finds nothing wrong: %s', (_, values) => {
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
