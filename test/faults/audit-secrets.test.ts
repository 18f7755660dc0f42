import { createHash, createHmac } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkout } from '#deploy/local/folders.ts'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { faultStack } from '../support/appender-fault-plan.ts'
import { type MirrorWorld, openMirrorWorld } from '../support/audit-mirror-world.ts'
import { until } from '../support/replica.ts'
import { as, javaOutput, stack as description } from '../support/stack.ts'

const tokenKey = 'planted-key-of-the-tokens'
const folder = mkdtempSync(join(tmpdir(), 'audit-secrets-'))
let stack: LocalStack
let world: MirrorWorld

beforeAll(async () => {
  // Kafka's request log, which holds whatever a request or an answer holds; switched on once the mirror listens.
  const log4j = join(folder, 'log4j2.properties')
  const requests = ['type=File', 'name=requests', 'fileName=${sys:reeve.authorizer.log}-requests', 'layout.type=PatternLayout']
  const logger = ['name=kafka.request.logger', 'level=WARN', 'additivity=false', 'appenderRef.requests.ref=requests']
  const own = [...[...requests, 'layout.pattern=[%d] %p %m (%c)%n'].map(line => `appender.requests.${line}`), ...logger.map(line => `logger.requests.${line}`)]
  writeFileSync(log4j, `${readFileSync(join(checkout, 'deploy/local/log4j2.properties'), 'utf8')}\n${own.join('\n')}\n`)
  const properties = { ...faultStack.properties, 'delegation.token.secret.key': tokenKey }
  stack = await startStack({ ...faultStack, properties, jvm: [`-Dlog4j2.configurationFile=${log4j}`] })
  process.env['REEVE_TEST_STACK'] = stack.file
  world = await openMirrorWorld({ seed: 1, controllers: stack.description.controllers })
}, 300_000)
afterAll(async () => {
  await world?.close()
  await stack?.stop()
  rmSync(folder, { recursive: true })
})

const nodes = [1, 2, 3]
const requestLog = (node: number): string => join(stack.description.logs, `node-${node}-authorizer.log-requests`)

/** Kafka's own tools, as somebody. */
function tool(className: string, args: readonly string[], user?: string): Promise<string> {
  if (user === undefined) return javaOutput(className, ['--bootstrap-server', stack.description.brokers[0]!, ...args])
  const { username, password } = as(user).sasl
  const login = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${username}" password="${password}";`
  const file = join(folder, `${user}.properties`)
  writeFileSync(file, `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=${login}\n`)
  return javaOutput(className, ['--bootstrap-server', description().saslBrokers[0]!, '--command-config', file, ...args])
}
const configs = (args: readonly string[], user?: string) => tool('kafka.admin.ConfigCommand', ['--alter', ...args], user)
const tokens = (args: readonly string[]) => tool('org.apache.kafka.tools.DelegationTokenCommand', args, 'admin')

/** Values of these fields of requests and answers, as the brokers logged them. */
function logged(field: string): string[] {
  const texts = nodes.map(node => readFileSync(requestLog(node), 'utf8'))
  return [...new Set(texts.flatMap(text => [...text.matchAll(new RegExp(`"${field}":"([^"]{16,})"`, 'g'))].map(([, value]) => value!)))]
}

/** What whoever knows a salted password can compute, and what a broker keeps of it (RFC 5802). */
function keysOf(salted: Buffer): Buffer[] {
  const clientKey = createHmac('sha512', salted).update('Client Key').digest()
  return [salted, clientKey, createHash('sha512').update(clientKey).digest(), createHmac('sha512', salted).update('Server Key').digest()]
}

const formsOf = (secret: Buffer): string[] => [
  secret.toString('latin1'),
  secret.toString('base64').replaceAll('=', ''),
  secret.toString('base64url'),
  secret.toString('hex')
]

test('secrets of users, configs and delegation tokens are in no topic, export, page, metric, log or error of the mirror', async () => {
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const files = nodes.flatMap(node => [
    { id: `authorizer-${node}`, content: 'authorizer', file: join(stack.description.logs, `node-${node}-authorizer.log`), host: `node-${node}`, timeZone },
    { id: `requests-${node}`, content: 'request', file: requestLog(node), host: `node-${node}`, timeZone }
  ])
  const lines = [
    { id: 'authorizer', content: 'authorizer', topic: world.linesTopic },
    { id: 'node-9', content: 'authorizer', file: world.file, host: 'node-9' }
  ]
  const faulty = world.mirror('secrets', { logs: [...lines, ...files], giveUp: '3s' }, { log: { level: 'debug' } })
  // The program itself, with a Redis that is not there.
  const mirror = faulty.run()
  await mirror.leads()
  for (const node of nodes) await configs(['--entity-type', 'broker-loggers', '--entity-name', String(node), '--add-config', 'kafka.request.logger=DEBUG'])

  const user = `${world.linesTopic}-user`
  const planted = ['planted-password-of-a-user', 'planted-jaas-password', 'planted-custom-secret', 'planted-password-that-is-refused', 'planted-topic-secret']
  const [password, jaas, custom, refused, ofTopic] = planted
  await configs(['--entity-type', 'users', '--entity-name', user, '--add-config', `SCRAM-SHA-512=[iterations=4096,password=${password}]`])
  const login = `org.apache.kafka.common.security.plain.PlainLoginModule required username="x" password="${jaas}";`
  const broker = ['--entity-type', 'brokers', '--entity-name', '1']
  await configs([...broker, '--add-config', `listener.name.sasl.plain.sasl.jaas.config=[${login}]`])
  await configs([...broker, '--add-config', `planted.custom.setting=${custom}`])
  const refusedUser = ['--entity-type', 'users', '--entity-name', `${user}-refused`, '--add-config', `SCRAM-SHA-512=[iterations=4096,password=${refused}]`]
  await expect(configs(refusedUser, 'nobody')).rejects.toThrow(/authoriz/i)
  await expect(configs(['--entity-type', 'topics', '--entity-name', world.linesTopic, '--add-config', `planted.setting=${ofTopic}`])).rejects.toThrow(
    /Unknown topic config/
  )
  const made = await tokens(['--create', '--max-life-time-period', '-1'])
  const hmac = /[A-Za-z0-9+/]{86}==/.exec(made)?.[0]
  if (hmac === undefined) throw new Error(`no token in: ${made}`)
  await tokens(['--describe'])
  await tokens(['--renew', '--renew-time-period', '-1', '--hmac', hmac])
  await tokens(['--expire', '--expiry-time-period', '-1', '--hmac', hmac])

  const salts = [...logged('salt')]
  const salted = logged('saltedPassword')
  // Else nothing would have been there to be hidden.
  expect(logged('hmac')).toContain(hmac)
  expect(salted.length).toBeGreaterThan(0)
  await world.load(4)
  await world.closing()
  await world.settled(faulty)
  const told = async () => (await world.read(faulty)).entries.map(({ eventType, value }) => `${eventType} ${JSON.stringify(value.payload['resources'])}`)
  const expected = [/^credential\.changed .*-user"/, /^config\.changed .*roker/, /^token\.changed /, /^token\.removed /]
  await until('each change is told', async () => {
    const all = await told()
    return expected.every(one => all.some(each => one.test(each)))
  })

  const said: string[] = []
  for (const topic of [faulty.auditTopic, faulty.memoryTopic])
    for (const { key, value, headers } of await world.records(topic)) said.push(String(key), String(value), JSON.stringify(headers))
  const size = said.length
  const http = mirror.lines.find(line => typeof line['http'] === 'string')!['http'] as string
  for (const path of ['metrics', 'readyz', 'healthz', '']) said.push(await (await fetch(`http://${http}/${path}`)).text())
  const [exported, page] = [join(faulty.anchorFolder, 'export'), join(folder, 'audit.html')]
  const spoken = [await faulty.audit('export', exported, '--html', page), await faulty.audit('tail'), await faulty.audit('show', '3', '--proof')]
  for (const { code, out, err } of spoken) {
    expect(code, err).toBe(0)
    said.push(out, err)
  }
  said.push(readFileSync(page, 'utf8'))
  for (const name of readdirSync(faulty.anchorFolder, { recursive: true, encoding: 'utf8' }))
    if (statSync(join(faulty.anchorFolder, name)).isFile()) said.push(readFileSync(join(faulty.anchorFolder, name), 'latin1'))
  await mirror.stop()
  said.push(mirror.printed())

  const all = said.join('\n')
  const secrets = [
    ...[...planted, tokenKey].map(text => Buffer.from(text)),
    ...[hmac, ...salts].map(text => Buffer.from(text, 'base64')),
    ...salted.flatMap(text => keysOf(Buffer.from(text, 'base64')))
  ]
  console.log(
    `${secrets.length} secrets, ${formsOf(secrets[0]!).length} forms each, searched in ${size} parts of records and ${(all.length / 1e6).toFixed(1)} MB`
  )
  expect(secrets.flatMap(secret => formsOf(secret).filter(form => all.includes(form)))).toEqual([])
  await configs([...broker, '--delete-config', 'listener.name.sasl.plain.sasl.jaas.config,planted.custom.setting'])
})
