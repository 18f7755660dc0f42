import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { dependenciesAreCurrent, sameLocks } from './dependencies.js'

const one = { version: '1.0.0', integrity: 'sha512-a' }
const lock = (packages: object) => JSON.stringify({ packages })

test('an installation must hold every package at its version; optional ones may be absent', () => {
  const wanted = { packages: { '': {}, 'node_modules/a': one, 'node_modules/b': { ...one, optional: true } } }
  expect(sameLocks(wanted, { packages: { 'node_modules/a': one } })).toBe(true)
  expect(sameLocks(wanted, { packages: { 'node_modules/a': { ...one, version: '1.0.1' } } })).toBe(false)
  expect(sameLocks(wanted, { packages: { 'node_modules/a': { ...one, integrity: 'sha512-b' } } })).toBe(false)
  expect(sameLocks(wanted, { packages: { 'node_modules/b': one } })).toBe(false)
})

test('an installation that was killed, or lost a package, is not current', () => {
  const root = mkdtempSync(join(tmpdir(), 'dependencies-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  expect(() => dependenciesAreCurrent(root)).toThrow('package-lock.json is missing or broken')
  writeFileSync(join(root, 'package-lock.json'), lock({ '': {}, 'node_modules/a': one }))
  expect(dependenciesAreCurrent(root)).toBe(false)
  mkdirSync(join(root, 'node_modules/a'), { recursive: true })
  writeFileSync(join(root, 'node_modules/a/package.json'), '{}')
  expect(dependenciesAreCurrent(root)).toBe(false)
  writeFileSync(join(root, 'node_modules/.package-lock.json'), lock({ 'node_modules/a': one }))
  expect(dependenciesAreCurrent(root)).toBe(true)
  rmSync(join(root, 'node_modules/a/package.json'))
  expect(dependenciesAreCurrent(root)).toBe(false)
  writeFileSync(join(root, 'node_modules/.package-lock.json'), '{"packa')
  expect(dependenciesAreCurrent(root)).toBe(false)
})
