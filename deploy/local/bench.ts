// npm run bench -- NAME: one benchmark on a stack of its own.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from './folders.ts'
import { startStack } from './stack.ts'
import { untilStopped } from './stop-signals.ts'

const [name, ...args] = process.argv.slice(2)
const folder = join(checkout, 'test/bench')
const script = join(folder, `${name ?? ''}.ts`)
if (!name || !existsSync(script)) {
  const known = existsSync(folder) ? readdirSync(folder).flatMap(file => (file.endsWith('.ts') ? [file.slice(0, -3)] : [])) : []
  console.error(`npm run bench -- NAME: expected one of ${known.join(', ')}; got ${JSON.stringify(name)}`)
  process.exit(1)
}

const docker = args.includes('--docker')
const stack = await startStack({ docker, heapMb: 1024, log: line => console.error(line) })
const child = spawn(process.execPath, [script, ...args.filter(argument => argument !== '--docker')], { stdio: 'inherit', env: { ...process.env, REEVE_TEST_STACK: stack.file } })
const ended = new Promise<number>(resolve => child.on('exit', code => resolve(code ?? 1)))
const code = await Promise.race([
  ended,
  untilStopped().then(signal => {
    child.kill(signal)
    return ended
  })
])
await stack.stop()
process.exit(code)
