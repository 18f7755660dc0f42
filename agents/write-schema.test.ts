import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadConfig } from '#shared/config/index.ts'
import { catalogue } from './catalogue.ts'
import { auditSchemaFaults, auditSchemaFile, currentAuditSchemas, currentSchema, schemaFile } from './write-schema.ts'

const agents = catalogue.map(({ name, policy }) => ({ name, policySchema: policy }))

test('the checked-in schema of the configuration is current: else run `node agents/write-schema.ts`', () => {
  expect(readFileSync(schemaFile, 'utf8')).toBe(currentSchema())
})

test('the checked-in schemas of the audit log are current: else run `node agents/write-schema.ts`', () => {
  const current = currentAuditSchemas()
  expect(readdirSync(new URL('.', auditSchemaFile('change'))).toSorted()).toEqual(
    Object.keys(current)
      .map(family => `${family}.schema.json`)
      .toSorted()
  )
  for (const [family, schema] of Object.entries(current)) expect(readFileSync(auditSchemaFile(family), 'utf8'), family).toBe(schema)
})

test('whoever reads the audit log by the schemas of the last release can read what this one writes', () => {
  expect(auditSchemaFaults()).toEqual([])
})

test('the shipped default names every agent of the catalogue, is sound by their policies, and lets none of them act', () => {
  const loaded = loadConfig({ file: new URL('../config/default.yaml', import.meta.url).pathname, env: {}, agents })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  expect(Object.keys(loaded.configs[0].agents)).toEqual(catalogue.map(({ name }) => name))
  for (const { act } of Object.values(loaded.configs[0].agents)) expect(act).toBe(false)
})
