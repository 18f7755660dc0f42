import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { alterUserScramCredentialsV0 } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessTokens, type ClientCredentials } from '#shared/credentials/access-token.ts'
import { type CredentialNews, freshText, onCredentialNews } from '#shared/credentials/fresh.ts'
import { Cluster } from '#shared/kafka/cluster.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import type { KafkaFault } from '#shared/kafka/errors.ts'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { configuration, ReeveBench, speak } from '#test/support/reeve-process.ts'
import { until } from '#test/support/replica.ts'
import { clientSecret, type SecuredStack, startSecuredStack } from '#test/support/secured-stack.ts'
import { stack } from '#test/support/stack.ts'
import { topicWithRecords } from '#test/support/stuck-consumer.ts'

const records = 100
const sessionMs = 2_000
const inContainers = stack().nodes.length === 0
let secured: SecuredStack
let kafka: Kafka

/** Topics that only one principal may see: who it is, is what it sees. */
const seenBy = { byName: 'CN=reeve-engine,OU=platform,O=House', mapped: 'short-engine', byToken: 'reeve-engine', byPassword: 'app' } as const

// Containers see neither this machine's identity provider nor the files of this test.
describe.skipIf(inContainers)('a cluster that asks who comes', () => {
  beforeAll(async () => {
    secured = await startSecuredStack({ sessionMs })
    kafka = await openKafka({ brokers: secured.stack.description.brokers, clientId: 'setup' })
    await Promise.all(Object.keys(seenBy).map(topic => topicWithRecords(kafka, topic, records)))
    await kafka.admin.createAcls(
      Object.entries(seenBy).map(([resourceName, principal]) => ({
        resourceType: 'topic',
        resourceName,
        pattern: 'literal',
        principal: `User:${principal}`,
        host: '*',
        operation: 'read',
        permission: 'allow'
      }))
    )
  })
  afterAll(async () => {
    await kafka?.close()
    await secured?.close()
  })

  describe('by certificates', () => {
    const engine = { subject: seenBy.byName }

    test('the principal is the name in the certificate, as the rules of the broker write it', async () => {
      const long = secured.put('long', secured.authority.issue(engine))
      const short = secured.put('short', secured.authority.issue({ subject: 'CN=short-engine,O=House' }))
      expect(await topicsSeen(secured.withCertificate(long))).toEqual(['byName'])
      expect(await topicsSeen(secured.withCertificate(short))).toEqual(['mapped'])
    })

    test.each([
      ['none', () => ({}), 'this client shows none'],
      [
        'one of another authority',
        () => secured.put('foreign', secured.foreign.issue(engine)),
        `this client shows ${seenBy.byName}, signed by CN=foreign, valid until`
      ],
      [
        'an expired one',
        () => secured.put('late', secured.authority.issue({ ...engine, validForMs: -60_000 })),
        `signed by CN=authority of clients, EXPIRED at`
      ]
    ])('%s gives one error that says so', async (_, files, expected) => {
      const fault = await faultOf(secured.withCertificate(files()))
      expect(fault.kind).toBe('tls')
      expect(fault.message).toMatch(/the broker (refused this client's certificate \(TLS alert|hung up before its first answer)/)
      expect(fault.message).toContain(expected)
      expect(fault.message).toContain('check tls.certFile')
    })

    test('files that do not belong together are said at once, with their names', async () => {
      const one = secured.put('one', secured.authority.issue(engine))
      const other = secured.put('other', secured.authority.issue(engine))
      expect(() => new Cluster(secured.withCertificate({ ...one, keyFile: other.keyFile }))).toThrow(/other\.key: no PEM files that fit together/)
      expect(() => new Cluster(secured.withCertificate({ certFile: '/none.pem', keyFile: one.keyFile }))).toThrow('/none.pem cannot be read: ENOENT')
    })

    test('a certificate is replaced under load and the old one expires: no request fails twice', async () => {
      const heard = listening()
      const files = secured.put('rotated', secured.authority.issue(engine))
      const load = await underLoad(secured.withCertificate(files), 'byName')
      const cut = async () => {
        const { accepted } = secured.cutter
        secured.cutter.cut()
        await until('both are connected again', () => secured.cutter.accepted >= accepted + 2)
      }
      const validForMs = 4_000
      const unpaired = secured.authority.issue(engine)
      // Between the two files nothing fits together, and the old ones are used on.
      writeFileSync(files.certFile, unpaired.certificate)
      await cut()
      await load.more()
      expect(heard.news.some(({ event, reason }) => event === 'kept' && reason!.includes('fit together'))).toBe(true)

      const old = secured.authority.issue({ ...engine, validForMs })
      const expiresAtMs = Date.now() + validForMs
      secured.put('rotated', old)
      await cut()
      secured.put('rotated', secured.authority.issue(engine))
      await until('the old certificate expired', () => Date.now() > expiresAtMs + 1_000)
      for (let times = 0; times < 2; times++) {
        await cut()
        await load.more()
      }
      expect((await load.stop()).failedTwice).toEqual([])
      expect(heard.news).toContainEqual({ event: 'changed', what: expect.stringContaining(files.certFile), reason: null })
      heard.stop()
      // Only the new one can have come through.
      expect((await faultOf(secured.withCertificate(secured.put('rotated-away', old)))).message).toContain('EXPIRED at')
    })
  })

  describe('by tokens', () => {
    const credentials = (otherwise: Partial<ClientCredentials> = {}): ClientCredentials => ({
      tokenEndpoint: secured.provider.tokenEndpoint,
      clientId: 'reeve-engine',
      clientSecret: () => clientSecret,
      ...otherwise
    })
    const tokens = (otherwise: Partial<ClientCredentials> = {}) => accessTokens(credentials(otherwise))

    test('a right token works, with a scope and extensions, and its subject is the principal', async () => {
      expect(await topicsSeen(secured.withToken(tokens()))).toEqual(['byToken'])
      const extensions = { logicalCluster: 'lkc-1', identityPoolId: 'pool-1' }
      expect(await topicsSeen(secured.withToken(tokens({ scope: 'kafka' }), { extensions }))).toEqual(['byToken'])
    })

    test.each([
      ['for another audience', { audience: 'elsewhere' }, 'audience "elsewhere", subject "reeve-engine", valid until'],
      ['that expired', { lifeMs: -120_000 }, 'EXPIRED at'],
      ['signed by another key', { ownKey: false }, "check them against the brokers' expected issuer, audience and keys"]
    ])('a token %s gives one error that says what it says', async (_, otherwise, expected) => {
      secured.provider.issue(otherwise)
      let shown = ''
      const fault = await faultOf(secured.withToken(async () => (shown = await tokens()())))
      secured.provider.issue({})
      expect(fault.kind).toBe('authentication')
      expect(fault.message).toContain('the broker refused the access token (invalid_token): it says issuer')
      expect(fault.message).toContain(expected)
      expect(shown.split('.').some(part => fault.message.includes(part))).toBe(false)
    })

    test.each([
      ['a wrong secret', { clientSecret: () => 'no-secret-of-mine' }, '401 invalid_client); check sasl.clientId and sasl.clientSecret'],
      ['a scope that is not allowed', { scope: 'all' }, '400 invalid_scope); check sasl.scope'],
      ['another address', { tokenEndpoint: 'PROVIDER/elsewhere' }, '404); check sasl.tokenEndpoint'],
      ['nobody there', { tokenEndpoint: 'http://127.0.0.1:1/token' }, 'check sasl.tokenEndpoint, the network']
    ])('%s gives one error that names what to check', async (_, { tokenEndpoint, ...otherwise }: Partial<ClientCredentials>, expected) => {
      const endpoint = tokenEndpoint?.replace('PROVIDER', secured.provider.issuer) ?? secured.provider.tokenEndpoint
      const fault = await faultOf(secured.withToken(tokens({ ...otherwise, tokenEndpoint: endpoint })))
      expect(fault.kind).toBe('authentication')
      expect(fault.message).toContain(`the identity provider at ${endpoint}`)
      expect(fault.message).toContain(expected)
      expect(JSON.stringify([fault, fault.stack])).not.toContain('no-secret-of-mine')
    })

    test('the command line logs in with what the configuration says, its secret in a file', async () => {
      const secretFile = join(secured.folder, 'client-secret')
      const bench = new ReeveBench()
      const sasl = { mechanism: 'OAUTHBEARER', tokenEndpoint: secured.provider.tokenEndpoint, clientId: 'reeve-engine', clientSecret: `\${file:${secretFile}}` }
      const file = bench.write(configuration('tokens', { cluster: { brokers: secured.stack.description.extraBrokers!['OAUTH']!, sasl } }))
      const check = async (secret: string) => {
        writeFileSync(secretFile, secret)
        return speak(['--config', file, 'config', 'check', '--connect'])
      }
      try {
        expect(await check(`${clientSecret}\n`)).toMatchObject({ code: 0, err: '' })
        const { code, out, err } = await check('no-secret-of-mine')
        expect(code).toBe(4)
        expect(err).toMatch(/gave no token \(401 invalid_client\); check sasl\.clientId and sasl\.clientSecret\n$/)
        expect(err.trim().split('\n')).toHaveLength(1)
        expect(out + err).not.toContain('no-secret-of-mine')
      } finally {
        await bench.close()
      }
    })

    test('connections show a new token before the old one ends, and while the provider is away they live on it', async () => {
      const heard = listening()
      secured.provider.issue({ lifeMs: 4_000 })
      const before = secured.provider.issued
      const load = await underLoad(secured.withToken(tokens()), 'byToken')
      await until('two more tokens', () => secured.provider.issued >= before + 2)
      secured.provider.mood('down')
      await until('one was asked for in vain', () => heard.news.some(({ event, what }) => event === 'kept' && what === 'access token of reeve-engine'))
      await load.more()
      secured.provider.mood(null)
      const ended = secured.provider.issued
      await until('one more', () => secured.provider.issued > ended)
      const { failedTwice, failures } = await load.stop()
      secured.provider.issue({})
      heard.stop()
      expect(failedTwice).toEqual([])
      // A broker that nobody logs in to anew cuts every connection after each session; a slow machine may be late once.
      expect(failures).toBeLessThanOrEqual(1)
    })

    test('a provider that stays away is told in its words, ends nothing, and is asked again', async () => {
      secured.provider.issue({ lifeMs: 1_200 })
      const cluster = new Cluster(secured.withToken(tokens(), { requestTimeoutMs: 1_000 }))
      await cluster.metadata([])
      secured.provider.mood({ status: 503, error: 'temporarily_unavailable' })
      const fault = (): Promise<KafkaFault | null> =>
        cluster.metadata([]).then(
          () => null,
          (error: KafkaFault) => error
        )
      await until('no token is left', async () => (await fault())?.message.includes('503 temporarily_unavailable') === true)
      expect((await fault())!.retriable).toBe(true)
      const { asked } = secured.provider
      await Promise.all(Array.from({ length: 20 }, fault))
      expect(secured.provider.asked - asked).toBeLessThanOrEqual(2)
      secured.provider.mood(null)
      secured.provider.issue({})
      await until('it works again', async () => (await fault()) === null)
      await cluster.close()
    })
  })

  describe('by passwords', () => {
    test('a password is changed in its file and at the broker under load: sessions go on with the new one', async () => {
      const file = join(secured.folder, 'password')
      writeFileSync(file, `${secured.stack.description.principals['app']}\n`)
      const login = (password: string | (() => string)): KafkaConnection => ({
        brokers: secured.stack.description.saslBrokers,
        clientId: 'passwords',
        requestTimeoutMs: 3_000,
        sasl: { mechanism: 'SCRAM-SHA-512', username: 'app', password }
      })
      const load = await underLoad(login(freshText(file)), 'byPassword')
      await changePassword('app', 'the-second')
      writeFileSync(file, 'the-second\n')
      await load.more(1.5 * sessionMs)
      expect((await load.stop()).failedTwice).toEqual([])
      expect((await faultOf(login(secured.stack.description.principals['app']!))).kind).toBe('authentication')

      // A file that comes late: refused for so long, without an end of the process, and taken when it comes.
      const cluster = new Cluster(login(freshText(file)))
      await cluster.metadata([])
      await changePassword('app', 'the-third')
      const outcome = () =>
        cluster.metadata([]).then(
          () => 'answered',
          ({ kind }: KafkaFault) => kind
        )
      await until('the session is over', async () => (await outcome()) === 'authentication')
      rmSync(file)
      expect(await outcome()).toBe('authentication')
      writeFileSync(file, 'the-third')
      expect(await outcome()).toBe('answered')
      await cluster.close()
    })
  })
})

async function topicsSeen(connection: KafkaConnection): Promise<(string | null)[]> {
  const cluster = new Cluster(connection)
  try {
    const { topics } = await cluster.metadata(null)
    return topics.map(({ name }) => name).toSorted((one, other) => one!.localeCompare(other!))
  } finally {
    await cluster.close()
  }
}

async function faultOf(connection: KafkaConnection): Promise<KafkaFault> {
  return topicsSeen(connection).then(
    topics => expect.unreachable(`it was let in, and sees ${topics.join()}`),
    (error: KafkaFault) => error
  )
}

function listening(): { readonly news: readonly CredentialNews[]; stop: () => void } {
  const news: CredentialNews[] = []
  return { news, stop: onCredentialNews(each => news.push(each)) }
}

/** Asks and reads, on and on, until it is stopped. What fails is tried once more at once. */
async function underLoad(connection: KafkaConnection, topic: string) {
  const [cluster, client] = [new Cluster(connection), await openKafka(connection)]
  const reader = await client.openReader()
  await reader.assign(topic, 0, 'start')
  let failures = 0
  const failedTwice = new Set<string>()
  const done = [0, 0]
  const stopping = new AbortController()
  const twice = async (loop: number, work: () => Promise<unknown>) => {
    await work().catch(async () => {
      failures++
      await work().catch((again: Error) => failedTwice.add(again.message))
    })
    done[loop]!++
  }
  const keepOn = async (work: () => Promise<unknown>, loop: number) => {
    while (!stopping.signal.aborted) await twice(loop, work).then(() => sleep(3))
  }
  const read = async () => {
    await reader.assign(topic, 0, 'start')
    const [fetched] = await reader.poll({ maxWaitMs: 5_000 })
    if (fetched?.records.length !== records) throw new Error(`read ${fetched?.records.length} of ${records} records`)
  }
  const loops = [() => cluster.metadata([topic]), read].map(keepOn)
  const more = async (forMs = 0) => {
    const [before, untilMs] = [[...done], performance.now() + forMs]
    await until('ten more requests of each', () => done.every((count, loop) => count >= before[loop]! + 10) && performance.now() >= untilMs)
  }
  await more()
  return {
    more,
    async stop() {
      stopping.abort()
      await Promise.all(loops)
      await Promise.all([cluster.close(), reader.close(), client.close()])
      return { failures, failedTwice: [...failedTwice] }
    }
  }
}

async function changePassword(name: string, password: string): Promise<void> {
  const cluster = new Cluster({ brokers: secured.stack.description.brokers, clientId: 'passwords' })
  const salt = randomBytes(16)
  const iterations = 4096
  const sha512 = 2
  const credential = { name, mechanism: sha512, iterations, salt, saltedPassword: pbkdf2Sync(password, salt, iterations, 64, 'sha512') }
  const { results } = await cluster.request('any', alterUserScramCredentialsV0.api, [], [credential])
  expect(results).toEqual([expect.objectContaining({ user: name, errorCode: 0 })])
  await cluster.close()
}
