import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { KafkaConnection, PasswordLogin } from '#shared/kafka/connection.ts'

/** The running stack that a test uses; written by deploy/local, never a cluster named in the environment by a user. */
export interface Stack {
  readonly kafkaVersion: string
  /** Plain listener; the anonymous principal is a super user there. */
  readonly brokers: readonly string[]
  readonly saslBrokers: readonly string[]
  readonly tlsBrokers: readonly string[]
  /** Plain listener of the controllers; the anonymous principal is a super user there. */
  readonly controllers: readonly string[]
  readonly saslControllers: readonly string[]
  /** By the name of a listener that its owner asked for. */
  readonly extraBrokers?: Readonly<Record<string, readonly string[]>>
  readonly caFile: string
  /** Folder of the run's logs, as this machine sees it. */
  readonly logs: string
  readonly redisUrl: string
  /** How to start a Java that sees the cluster: `java` here, or one in a container. */
  readonly java: readonly string[]
  /** Folder with Kafka's jars, as that Java sees it. */
  readonly kafkaLibs: string
  /** Passwords by user, for SCRAM-SHA-512, SCRAM-SHA-256 and PLAIN. */
  readonly principals: Readonly<Record<string, string>>
  /** Processes of the stack, so that a fault test may stop one it was given; none where it runs in containers. */
  readonly nodes: readonly { readonly name: string; readonly pid: number }[]
}

export function stack(): Stack {
  const file = process.env['REEVE_TEST_STACK']
  if (!file) throw new Error('REEVE_TEST_STACK is not set: run the tests with `npm test`, which brings its own cluster')
  return JSON.parse(readFileSync(file, 'utf8')) as Stack
}

/** As the super user, over the plain listener. */
export function superUser(clientId = 'test'): KafkaConnection {
  return { brokers: stack().brokers, clientId }
}

/** As one SCRAM principal, over the SASL listener. */
export function as(username: string): KafkaConnection & { readonly sasl: PasswordLogin & { readonly password: string } } {
  const { saslBrokers, principals } = stack()
  const password = principals[username]
  if (password === undefined) throw new Error(`the stack has no principal ${username}`)
  return { brokers: saslBrokers, clientId: `test-${username}`, sasl: { mechanism: 'SCRAM-SHA-512', username, password } }
}

let counter = 0
/** A name nobody else uses, so that files can run side by side on one cluster. */
export function unique(prefix: string): string {
  return `${prefix}-${process.pid}-${Date.now().toString(36)}-${counter++}`
}

/** Starts one of Kafka's own tools by its class. */
export function java(className: string, args: readonly string[], options: { heap?: string } = {}): ChildProcess {
  const { java: program, kafkaLibs } = stack()
  const [command = 'java', ...before] = program ?? []
  return spawn(command, [...before, `-Xmx${options.heap ?? '256m'}`, '-cp', `${kafkaLibs}/*`, className, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
}

/** Runs one of Kafka's own tools to its end. Throws with its output when it fails. */
export async function javaOutput(className: string, args: readonly string[], input = ''): Promise<string> {
  const child = java(className, args)
  let output = ''
  let errors = ''
  child.stdout!.on('data', chunk => (output += chunk))
  child.stderr!.on('data', chunk => (errors += chunk))
  child.stdin!.end(input)
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  if (code !== 0) throw new Error(`${className} ended with ${code}: ${errors || output}`)
  return output
}
