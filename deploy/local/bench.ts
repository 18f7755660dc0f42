// npm run bench -- NAME: one benchmark on a stack of its own.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from './folders.ts'
import { missionScale } from './mission-scale.ts'
import { exitCodeOf, withStack } from './with-stack.ts'

const [name, ...args] = process.argv.slice(2)
const folder = join(checkout, 'test/bench')
const known = existsSync(folder) ? readdirSync(folder).flatMap(file => (file.endsWith('.ts') ? [file.slice(0, -3)] : [])) : []
if (!name || !known.includes(name)) {
  console.error(`npm run bench -- NAME: expected one of ${known.join(', ')}; got ${JSON.stringify(name)}`)
  process.exit(1)
}

const log = (line: string) => console.error(line)
const scale = args.includes('--scale') ? Number(args[args.indexOf('--scale') + 1]) : 1
const sized = name === 'scan' ? missionScale(scale, log) : { heapMb: 1024, log }
const code = await withStack({ docker: args.includes('--docker'), ...sized }, (stack, stopping) => {
  const env = { ...process.env, REEVE_TEST_STACK: stack.file }
  const child = spawn(process.execPath, [join(folder, `${name}.ts`), ...args.filter(argument => argument !== '--docker')], { stdio: 'inherit', env })
  void stopping.then(signal => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (ended, signal) => resolve(ended ?? (signal ? exitCodeOf(signal) : 1)))
  })
})
process.exit(code)
