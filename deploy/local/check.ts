// npm run check: what needs no cluster. All steps run, side by side where they can; the words of those that fail are shown.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { checkout } from './folders.ts'

interface Step {
  readonly name: string
  readonly command: readonly string[]
}

const steps: readonly Step[] = [
  { name: 'format', command: ['oxfmt', '--check', 'agents', 'shared', 'config', 'deploy', 'test', 'README.md', 'package.json', 'tsconfig.json'] },
  { name: 'lint', command: ['oxlint', '--type-aware', '--deny-warnings', 'agents', 'shared', 'deploy', 'test'] },
  { name: 'types', command: ['tsc'] },
  { name: 'dead code', command: ['knip'] },
  { name: 'pure tests', command: ['vitest', 'run', '--config', 'test/vitest.config.ts', '--project', 'unit', '--reporter', 'dot'] }
]

const results = await Promise.all(steps.map(run))
for (const { name, ok, seconds, words } of results) {
  if (!ok) console.log(`--- ${name}\n${words.trim()}\n`)
  else console.log(`${name}: good (${seconds} s)`)
}
const bad = results.filter(({ ok }) => !ok)
if (bad.length > 0) console.log(`not good: ${bad.map(({ name }) => name).join(', ')}`)
process.exit(bad.length === 0 ? 0 : 1)

function run({ name, command }: Step): Promise<{ name: string; ok: boolean; seconds: string; words: string }> {
  const started = performance.now()
  const [program = '', ...args] = command
  const child = spawn(join(checkout, 'node_modules/.bin', program), args, { cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'] })
  let words = ''
  child.stdout.on('data', (chunk: Buffer) => (words += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
  return new Promise(resolve => {
    const done = (ok: boolean, more = '') => resolve({ name, ok, seconds: ((performance.now() - started) / 1000).toFixed(1), words: words + more })
    child.on('error', error => done(false, error.message))
    child.on('close', code => done(code === 0))
  })
}
