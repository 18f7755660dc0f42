import { z } from 'zod'

const licence = z.union([
  z.looseObject({ license: z.looseObject({ id: z.string().min(1) }) }),
  z.looseObject({ license: z.looseObject({ name: z.string().min(1) }) }),
  z.looseObject({ expression: z.string().min(1) })
])

const component = z.looseObject({
  'bom-ref': z.string().min(1),
  type: z.enum(['application', 'library']),
  name: z.string().min(1),
  version: z.string().min(1),
  purl: z.string().regex(/^pkg:npm\/(?:%40[\w.-]+\/)?[\w.-]+@[\w.+-]+$/),
  licenses: z.array(licence).min(1)
})

const hash = z.strictObject({
  alg: z.enum(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512']),
  content: z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})$/)
})

/** What this project asks of its own bill of materials: CycloneDX 1.6 (ECMA-424), and no field left out that npm can fill. */
const document = z.looseObject({
  $schema: z.literal('http://cyclonedx.org/schema/bom-1.6.schema.json'),
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/),
  version: z.int().min(1),
  metadata: z.looseObject({
    timestamp: z.iso.datetime(),
    tools: z.strictObject({ components: z.array(z.looseObject({ type: z.literal('application'), name: z.string(), version: z.string() })).min(1) }),
    component
  }),
  components: z.array(component.extend({ hashes: z.array(hash).min(1) })).min(1),
  dependencies: z.array(z.strictObject({ ref: z.string(), dependsOn: z.array(z.string()) }))
})

export type Sbom = z.output<typeof document>

/** The packages of package-lock.json: integrity by `name@version`. */
export type LockedPackages = ReadonlyMap<string, string>

/** Reads `packages` of a package-lock.json of version 3. */
export function lockedPackages(lock: string): LockedPackages {
  const { packages } = JSON.parse(lock) as { packages: Readonly<Record<string, { version?: string; integrity?: string; name?: string }>> }
  return new Map(
    Object.entries(packages).flatMap(([path, { name, version, integrity }]) =>
      path === '' ? [] : [[`${name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)}@${version}`, integrity ?? ''] as const]
    )
  )
}

/** npm writes 1.5, calls the project by its folder, and its tool as 1.4 did; nothing else of it is wrong in 1.6. */
export function inVersion16(fromNpm: string, name: string): unknown {
  const bom = JSON.parse(fromNpm) as { metadata: { tools: { name: string; version: string }[]; component: object } }
  const { tools, component: project, ...metadata } = bom.metadata
  return {
    ...bom,
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    specVersion: '1.6',
    metadata: {
      ...metadata,
      tools: { components: tools.map(tool => ({ type: 'application', name: tool.name === 'cli' ? 'npm' : tool.name, version: tool.version })) },
      component: { ...project, name }
    }
  }
}

/** Everything that is wrong with a bill of materials, one sentence each: its shape, its graph, and what package-lock.json says otherwise. */
export function mistakesOfSbom(value: unknown, locked: LockedPackages): string[] {
  const parsed = document.safeParse(value)
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return [...mistakesOfGraph(parsed.data), ...differences(parsed.data, locked)]
}

function mistakesOfGraph({ metadata, components, dependencies }: Sbom): string[] {
  const root = metadata.component['bom-ref']
  const refs = [root, ...components.map(each => each['bom-ref'])]
  const known = new Set(refs)
  const edges = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))
  const reached = new Set([root])
  for (const ref of reached) for (const next of edges.get(ref) ?? []) reached.add(next)
  return [
    ...refs.filter((ref, index) => refs.indexOf(ref) !== index).map(ref => `${ref} is there twice`),
    ...[...edges].flatMap(([ref, dependsOn]) => [ref, ...dependsOn]).flatMap(ref => (known.has(ref) ? [] : [`the graph names ${ref}, which is no component`])),
    ...refs.flatMap(ref => (edges.has(ref) ? [] : [`the graph lacks ${ref}`])),
    ...refs.flatMap(ref => (reached.has(ref) ? [] : [`nothing depends on ${ref}`]))
  ]
}

function differences({ components }: Sbom, locked: LockedPackages): string[] {
  return components.flatMap(({ name, version, hashes }) => {
    const integrity = locked.get(`${name}@${version}`)
    if (integrity === undefined) return [`${name}@${version} is not in package-lock.json`]
    const [algorithm = '', digest = ''] = integrity.split('-')
    const content = Buffer.from(digest, 'base64').toString('hex')
    const same = hashes.some(each => each.alg === algorithm.toUpperCase().replace('SHA', 'SHA-') && each.content === content)
    return same ? [] : [`${name}@${version} has another integrity in package-lock.json`]
  })
}
