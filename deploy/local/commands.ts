import { spawn } from 'node:child_process'

/** Runs a program to its end and resolves with its standard output. Throws with its words when it fails or is missing. */
export async function output(command: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<string> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const out: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk))
  const ended = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.on('error', error => reject(new Error(`${program} cannot be started: ${error.message}`)))
    child.on('close', (code, signal) => resolve(code ?? signal))
  })
  if (ended === 0) return Buffer.concat(out).toString()
  // Arguments are left out: some hold the stack's passwords.
  throw new Error(`${program} ended with ${ended}: ${lastLines(Buffer.concat([...out, ...errors]).toString(), 15)}`)
}

/** Does the program run and end well? */
export async function answers(command: readonly string[]): Promise<boolean> {
  return output(command).then(
    () => true,
    () => false
  )
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
