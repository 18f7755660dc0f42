import { spawn } from 'node:child_process'

// What the audit log costs and how fast it is: an entry's sealing and hashing, the writer beside Java's tools, the whole mirror under load, the way
// of a metadata change, and what the brokers pay for their logs. Each part prints its own table; --part NAME runs one of them, with its own options behind it.

const parts: Readonly<Record<string, string>> = {
  seal: 'audit/seal.ts',
  hash: 'audit/hash.ts',
  append: 'audit/append.ts',
  mirror: 'audit/mirror.ts',
  metadata: 'audit-metadata.ts',
  loggers: 'audit/loggers.ts'
}
const args = process.argv.slice(2)
const at = args.indexOf('--part')
const wanted = at < 0 ? Object.keys(parts) : [args[at + 1] ?? '']
const more = at < 0 ? args : args.toSpliced(at, 2)
for (const name of wanted) {
  const file = parts[name]
  if (file === undefined) throw new Error(`--part ${name}: expected one of ${Object.keys(parts).join(', ')}`)
  console.error(`--- ${name}`)
  const child = spawn(process.execPath, [new URL(file, import.meta.url).pathname, ...(at < 0 ? [] : more)], { stdio: 'inherit' })
  const code = await new Promise(resolve => child.on('close', resolve))
  if (code !== 0) process.exitCode = 1
}
