import { readFileSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'
import { makeSbom } from './sbom.ts'
import { lockedPackages, mistakesOfSbom, type Sbom } from './sbom-document.ts'

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')
const locked = lockedPackages(read('package-lock.json'))
let bom: Sbom
beforeAll(async () => {
  bom = await makeSbom()
})

test('the bill of materials names every package of package-lock.json and every dependency of package.json', () => {
  expect(new Set(bom.components.map(({ name, version }) => `${name}@${version}`))).toEqual(new Set(locked.keys()))
  const { name, version, dependencies, devDependencies } = JSON.parse(read('package.json')) as {
    readonly name: string
    readonly version: string
    readonly dependencies: Readonly<Record<string, string>>
    readonly devDependencies: Readonly<Record<string, string>>
  }
  expect([bom.metadata.component.name, bom.metadata.component.version, bom.metadata.component.type]).toEqual([name, version, 'application'])
  const direct = bom.dependencies.find(({ ref }) => ref === bom.metadata.component['bom-ref'])!.dependsOn
  expect(new Set(direct)).toEqual(new Set(Object.entries({ ...dependencies, ...devDependencies }).map(each => each.join('@'))))
})

test('without what only developers need it names less, and says nothing else of the rest', async () => {
  const shipped = await makeSbom(['--omit=dev'])
  expect(shipped.components.length).toBeLessThan(bom.components.length)
  const refs = new Set(shipped.components.map(each => each['bom-ref']))
  expect([...refs].some(ref => ref.startsWith('vitest@'))).toBe(false)
  expect([...refs].some(ref => ref.startsWith('@platformatic/kafka@'))).toBe(true)
})

test.each<[string, (copy: Sbom) => void, string]>([
  ['another version of the format', copy => Object.assign(copy, { specVersion: '1.5' }), 'specVersion'],
  ['no serial number', copy => Object.assign(copy, { serialNumber: 'urn:uuid:1' }), 'serialNumber'],
  ['a package without a licence', copy => Object.assign(copy.components[0]!, { licenses: [] }), 'components.0.licenses'],
  ['a package without a hash', copy => Object.assign(copy.components[0]!, { hashes: [] }), 'components.0.hashes'],
  ['an address that is none', copy => Object.assign(copy.components[0]!, { purl: 'npm:x' }), 'components.0.purl'],
  ['a package twice', copy => void copy.components.push(copy.components[0]!), 'is there twice'],
  ['a package that is gone', copy => void copy.components.pop(), 'which is no component'],
  ['a graph with a hole', copy => void copy.dependencies.pop(), 'the graph lacks'],
  ['a package that nothing needs', copy => copy.dependencies.forEach(each => Object.assign(each, { dependsOn: [] })), 'nothing depends on'],
  ['a changed hash', copy => Object.assign(copy.components[0]!.hashes[0]!, { content: '0'.repeat(128) }), 'has another integrity in package-lock.json'],
  ['a package from elsewhere', copy => Object.assign(copy.components[0]!, { version: '0.0.1' }), 'is not in package-lock.json']
])('%s is found', (_, change, expected) => {
  const copy = structuredClone(bom)
  change(copy)
  expect(mistakesOfSbom(copy, locked).join('\n')).toContain(expected)
})

test('what npm made has no mistake', () => {
  expect(mistakesOfSbom(bom, locked)).toEqual([])
})
