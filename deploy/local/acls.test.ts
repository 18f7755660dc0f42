import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { aclsOf, type Role, rights } from './acls.ts'

const document = readFileSync(new URL('../acls.md', import.meta.url), 'utf8')
const roles = Object.keys(rights) as Role[]

/** Rows of the table under the heading that names the role: resource, pattern, operation, why. */
function rowsOf(role: Role): string[][] {
  const section = document.split(/^## /m).find(text => text.startsWith(`\`${role}\``))
  const lines = (section ?? '').split('\n').filter(line => line.startsWith('|'))
  return lines.slice(2).map(line =>
    line
      .slice(1, -1)
      .split('|')
      .map(cell => cell.trim().replaceAll('`', ''))
  )
}

describe.each(roles)('%s', role => {
  test('the document lists exactly the rights that the stack grants', () => {
    expect(rowsOf(role)).toEqual(
      rights[role].map(({ resource, name, pattern, operation, why }) => [`${resource} ${name}`, pattern, operation.toUpperCase().replaceAll('-', '_'), why])
    )
  })

  test('no right is one that could change the cluster or speak for a broker', () => {
    for (const { operation } of aclsOf(role, 'User:x')) expect(['read', 'write', 'create', 'describe', 'describe-configs']).toContain(operation)
  })
})

test('only names of Reeve itself take the configured prefix', () => {
  const names = aclsOf('engine', 'User:x', 'house').map(({ resourceName, pattern }) => `${pattern} ${resourceName}`)
  expect(names).toContain('literal house.state')
  expect(names).toContain('prefixed house.')
  expect(names).toContain('literal *')
  expect(names.filter(name => name.includes('reeve'))).toEqual([])
})

test('nobody but the guardian may write commands, and nobody but the engine may write state and journal', () => {
  const writers = (topic: string) =>
    roles.filter(role =>
      rights[role].some(
        ({ name, pattern, operation }) => operation === 'write' && (pattern === 'prefixed' ? topic.startsWith(name) : name === topic || name === '*')
      )
    )
  expect(writers('reeve.control')).toEqual(['consumer-guardian'])
  expect(writers('reeve.state')).toEqual(['engine'])
  expect(writers('reeve.journal')).toEqual(['engine'])
})
