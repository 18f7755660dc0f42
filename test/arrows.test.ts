import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { catalogue } from '#agents/catalogue.ts'
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
  ['yaml', /^shared\/config\//]
])('%s has one home', (name, home) => {
  expect(wrong((from, to) => to === name && !home.test(from))).toEqual([])
})

test('what is pure reaches nothing that does input or output', () => {
  const pure = [...new Set(imports.map(({ from }) => from))].filter(
    file => !isTest(file) && (file.startsWith('shared/domain/') || /^agents\/[^/]+\/decide\.ts$/.test(file) || file.startsWith('shared/render/'))
  )
  expect(pure.some(file => file.endsWith('/decide.ts'))).toBe(true)
  const allowed = (to: string) => to === 'zod' || to === 'node:crypto' || /^(shared|agents)\//.test(to)
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

test.each(agentFolders)('%s has the files that every agent has, and its table of contents fits', name => {
  for (const file of ['index.ts', 'policy.ts', 'observe.ts', 'decide.ts', 'actions.ts', 'README.md', 'decide.test.ts', 'agent.test.ts'])
    expect(existsSync(join(root, 'agents', name, file)), file).toBe(true)
  expect(readFileSync(join(root, 'agents', name, 'index.ts'), 'utf8').split('\n').length).toBeLessThanOrEqual(41)
  expect(catalogue.map(agent => agent.name)).toContain(name)
})

test('dry-run is read in one place: the gate', () => {
  const files = [...new Set(code.map(({ from }) => from))].filter(file => file.startsWith('shared/engine/') || file.startsWith('agents/'))
  const readers = files.filter(file => /\binput\.act\b|if \([^)]*\bact\b|\bdryRun\b|\bdry_run\b/.test(readFileSync(join(root, file), 'utf8')))
  expect(readers).toEqual(['shared/engine/limits.ts'])
})
