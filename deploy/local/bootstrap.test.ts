import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { wordsOf } from './bootstrap.js'

const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { scripts: Record<string, string> }
const commands = Object.values(scripts).flatMap(script => /bootstrap\.js (\S+)$/.exec(script)?.[1] ?? [])

test.each(commands)('what Node is told for `%s` is a file of the checkout, behind options of Node alone', command => {
  const words = wordsOf(command)
  const file = words.find(word => !word.startsWith('-'))!
  expect(existsSync(file), file).toBe(true)
  expect(file).toMatch(/\.ts$/)
})

test('a command that there is not is refused, and the others are named', () => {
  expect(() => wordsOf('rum')).toThrow('unknown command "rum": expected one of demo, reeve, test')
})
