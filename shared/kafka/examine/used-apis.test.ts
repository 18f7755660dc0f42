import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { oldestFetchVersion } from '../log-reader/fetch-codec.ts'
import { usedApis } from './used-apis.ts'

test('every request that this folder can send is in the list of what a broker must understand, with the oldest version that is used', () => {
  const folder = join(import.meta.dirname, '..')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  const used = new Map<string, number>()
  for (const file of files)
    for (const [, name, version] of readFileSync(join(folder, file), 'utf8').matchAll(/\b([a-z][A-Za-z]+)V(\d+)\b/g))
      used.set(name!.toLowerCase(), Math.min(used.get(name!.toLowerCase()) ?? Number.POSITIVE_INFINITY, Number(version)))
  used.delete('sharegroupdescribe')
  used.set('fetch', oldestFetchVersion)
  expect(used.size).toBeGreaterThan(20)
  const oldest = Map.groupBy(usedApis, ({ name }) => name.toLowerCase())
  expect(Object.fromEntries([...oldest].map(([name, all]) => [name, Math.min(...all.map(({ version }) => version))]))).toEqual(Object.fromEntries(used))
})
