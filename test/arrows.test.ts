import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { catalogue, streams } from '#agents/catalogue.ts'
import { importsBelow, reachableFrom } from '#test/support/imports.ts'

const root = join(import.meta.dirname, '..')
const imports = importsBelow(root, ['agents', 'shared'])
const isTest = (file: string) => file.endsWith('.test.ts')
const code = imports.filter(({ from }) => !isTest(from))
const agentFolders = readdirSync(join(root, 'agents'), { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .map(({ name }) => name)
const wrong = (rule: (from: string, to: string) => boolean) => code.filter(({ from, to }) => rule(from, to)).map(({ from, to }) => `${from} → ${to}`)

test('the imports were found: this suite looks at something', () => {
  expect(imports.length).toBeGreaterThan(200)
  expect(agentFolders.length).toBeGreaterThan(0)
})

test('shared knows no agent, and neither knows the tests or how it is deployed', () => {
  expect(wrong((from, to) => from.startsWith('shared/') && /^(agents|deploy|test)\//.test(to))).toEqual([])
  expect(wrong((from, to) => from.startsWith('agents/') && from !== 'agents/main.ts' && /^(deploy|test)\//.test(to))).toEqual([])
})

test('agents meet only through topics and queues: none imports another', () => {
  const folder = (path: string) => /^agents\/([^/]+)\//.exec(path)?.[1]
  expect(wrong((from, to) => folder(from) !== undefined && to.startsWith('agents/') && folder(to) !== folder(from))).toEqual([])
})

test('only the catalogue and the command line name an agent', () => {
  expect(wrong((from, to) => /^agents\/[^/]+\.ts$/.test(from) && from !== 'agents/catalogue.ts' && /^agents\/[^/]+\//.test(to))).toEqual([])
})

test.each([
  ['@platformatic/kafka', /^shared\/kafka\//],
  ['@node-rs/crc32', /^shared\/kafka\//],
  ['kafkajs', /^shared\/sdk\//],
  ['bullmq', /^shared\/queue\//],
  ['ioredis', /^shared\/queue\//],
  ['pino', /^shared\/telemetry\//],
  ['prom-client', /^shared\/telemetry\//],
  ['commander', /^(shared\/cli|agents\/main)/],
  ['@commander-js/extra-typings', /^(shared\/cli|agents\/main)/],
  ['avsc', /^shared\/engine\//],
  ['yaml', /^shared\/config\//],
  ['@aws-sdk/client-s3', /^shared\/anchors\//],
  ['pkijs', /^shared\/anchors\//],
  ['asn1js', /^shared\/anchors\//]
])('%s has one home', (name, home) => {
  expect(wrong((from, to) => to === name && !home.test(from))).toEqual([])
})

test('what is pure reaches nothing that does input or output', () => {
  const pure = [...new Set(imports.map(({ from }) => from))].filter(
    file => !isTest(file) && (/^shared\/(domain|render|audit|proof)\//.test(file) || /^agents\/[^/]+\/(decide|transform)\.ts$/.test(file))
  )
  expect(pure.some(file => file.endsWith('/decide.ts'))).toBe(true)
  const allowed = (to: string) => ['zod', 'node:crypto'].includes(to) || /^(shared|agents)\//.test(to)
  for (const file of pure)
    expect(
      [...reachableFrom(file, imports)].filter(to => !allowed(to)),
      file
    ).toEqual([])
  for (const file of pure) {
    const text = [file, ...[...reachableFrom(file, imports)].filter(to => to.endsWith('.ts'))].map(path => readFileSync(join(root, path), 'utf8')).join('\n')
    expect(text.match(/\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bperformance\.now\(|\bprocess\.env\b/g), file).toBeNull()
  }
})

test.each(agentFolders)('%s has the files that every agent of its shape has, and its table of contents fits', name => {
  const shapes = {
    reconciler: { listed: catalogue, files: ['observe.ts', 'decide.ts', 'actions.ts', 'decide.test.ts'] },
    stream: { listed: streams, files: ['source.ts', 'transform.ts', 'sink.ts', 'transform.test.ts'] }
  }
  const own = Object.values(shapes).filter(({ listed }) => listed.some(each => each.name === name))
  expect(own.length, 'in one list of the catalogue').toBe(1)
  for (const file of ['index.ts', 'policy.ts', 'rights.ts', 'README.md', 'agent.test.ts', ...own[0]!.files])
    expect(existsSync(join(root, 'agents', name, file)), file).toBe(true)
  expect(readFileSync(join(root, 'agents', name, 'index.ts'), 'utf8').split('\n').length).toBeLessThanOrEqual(41)
})

test('dry-run is read in one place: the gate', () => {
  const files = [...new Set(code.map(({ from }) => from))].filter(file => file.startsWith('shared/engine/') || file.startsWith('agents/'))
  const readers = files.filter(file => /\binput\.act\b|if \([^)]*\bact\b|\bdryRun\b|\bdry_run\b/.test(readFileSync(join(root, file), 'utf8')))
  expect(readers).toEqual(['shared/engine/limits.ts'])
})
