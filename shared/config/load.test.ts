import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type CredentialNews, onCredentialNews } from '../credentials/fresh.ts'
import { kafkaConnection, type Config } from './config.ts'
import { durationBetween } from './duration.ts'
import { loadConfig, parseConfig } from './load.ts'
import { Secret } from './secret.ts'

const agents = [
  {
    name: 'consumer-guardian',
    policySchema: z.strictObject({
      lagForMs: durationBetween({ leastMs: 1_000 }).prefault('1h'),
      maxLag: z.int().min(0).default(1_000_000),
      strict: z.boolean().default(false)
    })
  },
  { name: 'topic-expirer', policySchema: z.strictObject({}) }
]
const shipped = new URL('../../config/default.yaml', import.meta.url).pathname

/** A sound file; a test replaces lines of it. */
const sound = `version: 1
cluster:
  brokers: ["one:9092, two:9092", "[::1]:9093"]
redis:
  url: redis://127.0.0.1:6379
owners:
  - { team: payments, channel: payments, groups: ['payments-*'] }
notify:
  platformChannel: platform
  channels:
    platform: { slackWebhook: "https://hooks.slack.com/services/T0/B0/secret-part" }
    payments: { slackWebhook: "\${PAYMENTS_WEBHOOK}" }
agents:
  consumer-guardian:
    policy: { lagForMs: 90m }
`
const env = { PAYMENTS_WEBHOOK: 'http://127.0.0.1:9/sink', REEVE_PASSWORD: 'pw', EMPTY: '' }

function parse(text: string, environment: Record<string, string> = env) {
  return parseConfig({ text, folder: tmpdir(), env: environment, agents })
}
function good(text: string, environment?: Record<string, string>): Config {
  const loaded = parse(text, environment)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  return loaded.configs[0]
}
function wrong(text: string, environment?: Record<string, string>): string[] {
  const loaded = parse(text, environment)
  return loaded.ok ? [] : loaded.mistakes.map(({ path, message, line }) => `${path}:${line}: ${message}`)
}

function passwordOf({ cluster: { sasl } }: Config): Secret {
  if (sasl === null || !('password' in sasl)) throw new Error('expected a login with a password')
  return sasl.password
}

/** How somebody logs in, with the password as it is now. */
function login(config: Config, agent: string | null): object | undefined {
  const { sasl } = kafkaConnection(config, agent)
  if (sasl === undefined || sasl.mechanism === 'OAUTHBEARER') return sasl
  return { ...sasl, password: typeof sasl.password === 'function' ? sasl.password() : sasl.password }
}

test('the shipped default is sound without any variable, and nothing in it acts', () => {
  const loaded = loadConfig({ file: shipped, env: {}, agents: [{ name: 'consumer-guardian', policySchema: z.looseObject({}) }] })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
  expect(Object.values(loaded.configs[0].agents).map(({ act }) => act)).toEqual([false])
  expect(loaded.configs[0].cluster.brokers).toEqual(['127.0.0.1:9092'])
  expect(loaded.configs[0].notify.channels['platform']).toEqual({ slackWebhook: null })
  expect(loaded.configs[0].lease).toEqual({ renewEveryMs: 5_000, takeOverAfterMs: 20_000 })
  expect(loaded.configs[0].observer.intervalMs).toBe(30_000)
})

test('a sound file becomes a configuration with units, defaults and wrapped secrets', () => {
  const config = good(sound)
  expect(config.cluster.brokers).toEqual(['one:9092', 'two:9092', '[::1]:9093'])
  expect(config.owners[0]).toEqual({ team: 'payments', channel: 'payments', criticality: 'normal', groups: ['payments-*'], topics: [] })
  expect(config.agents['consumer-guardian']).toEqual({
    enabled: true,
    act: false,
    sasl: null,
    tls: null,
    policy: { lagForMs: 5_400_000, maxLag: 1_000_000, strict: false }
  })
  expect(config.agents['topic-expirer']).toBeUndefined()
  expect(config.notify.channels['payments']!.slackWebhook!.reveal()).toBe('http://127.0.0.1:9/sink')
  expect(config.limits).toEqual({ maxActions: 5, maxPercent: 10, percentMinimum: 10, maxPerOwner: 2, freeze: [], holds: [] })
})

describe('mistakes name the path, the line and what was expected', () => {
  const cases: [string, (text: string) => string, string[]][] = [
    [
      'an unknown key, with the nearest known one',
      text => text.replace('clientId', 'x').replace('  brokers', '  brokerz: [a]\n  brokers'),
      ['cluster.brokerz:3: unknown key; did you mean brokers?']
    ],
    ['an unknown key at the top', text => `${text}obserer: {}\n`, ['obserer:16: unknown key; did you mean observer?']],
    [
      'an unknown key in a policy',
      text => text.replace('lagForMs', 'lagForMz'),
      ['agents.consumer-guardian.policy.lagForMz:15: unknown key; did you mean lagForMs?']
    ],
    [
      'an unknown agent',
      text => text.replace('consumer-guardian', 'consumer-gardian'),
      ['agents.consumer-gardian:14: unknown key; did you mean consumer-guardian?']
    ],
    [
      'a nonsense duration',
      text => text.replace('90m', 'soon'),
      ['agents.consumer-guardian.policy.lagForMs:15: expected a duration such as 30s, 15m, 1h30m or 14d, found "soon"']
    ],
    [
      'a duration without a unit',
      text => text.replace('90m', '90'),
      ['agents.consumer-guardian.policy.lagForMs:15: expected a duration such as 30s, 15m, 1h30m or 14d, found 90']
    ],
    [
      'a duration out of bounds',
      text => text.replace('90m', '1ms'),
      ['agents.consumer-guardian.policy.lagForMs:15: expected a duration from 1s to 3650d, found "1ms"']
    ],
    [
      'a channel that does not exist',
      text => text.replace('channel: payments', 'channel: paymints'),
      ['owners[0].channel:7: expected one of the names in notify.channels, found "paymints"']
    ],
    [
      'a platform channel that does not exist',
      text => text.replace('platformChannel: platform', 'platformChannel: toString'),
      ['notify.platformChannel:9: expected one of the names in notify.channels, found "toString"']
    ],
    [
      'a broker without a port',
      text => text.replace('two:9092', 'two'),
      ['cluster.brokers:3: address 2 of 3: expected host:port with a port from 1 to 65535, found a list']
    ],
    ['no broker', text => text.replace(/brokers: .*/, 'brokers: []'), ['cluster.brokers:3: expected at least one host:port, found a list']],
    ['a part that is missing', text => text.replace(/redis:\n.*\n/, ''), ['redis:1: missing: expected object']],
    ['another version', text => text.replace('version: 1', 'version: 2\nnonsense: 3'), ['version:1: expected 1, the version that this release reads, found 2']],
    [
      'a freeze window that ends before it begins',
      text => `${text}limits: { freeze: [{ from: 2026-12-24T00:00:00Z, until: 2026-12-23T00:00:00Z, why: x }] }\n`,
      ['limits.freeze[0].until:16: expected until to be later than from, found "2026-12-23T00:00:00Z"']
    ],
    [
      'a moment without a zone',
      text => `${text}limits: { freeze: [{ from: 2026-12-24, until: 2026-12-25T00:00:00Z, why: x }] }\n`,
      ['limits.freeze[0].from:16: expected a moment such as 2026-12-24T00:00:00Z, found "2026-12-24"']
    ],
    [
      'a lease that would be taken from a living leader',
      text => `${text}lease: { renewEvery: 10s }\n`,
      ['lease.takeOverAfter:16: missing: expected takeOverAfter to be at least three times renewEvery']
    ],
    [
      'an owner of nothing',
      text => text.replace("groups: ['payments-*']", 'groups: []'),
      ['owners[0]:7: expected at least one glob in groups or topics, found a block']
    ],
    ['a key that appears twice', text => text.replace('redis:', 'cluster: {}\nredis:'), [':4: this key appears twice in the same block']],
    ['two documents', text => `${text}---\nversion: 1\n`, [':16: expected one document, found several']],
    ['a tab for indentation', text => text.replace('  url', '\turl'), []],
    ['an empty file', () => '', [':null: expected object, found nothing']]
  ]
  for (const [what, change, expected] of cases)
    test(`finds ${what}`, () => {
      const found = wrong(change(sound))
      expect(found.length).toBeGreaterThan(0)
      if (expected.length > 0) expect(found).toEqual(expected)
      else expect(found[0]).toMatch(/^:\d+: not YAML: /)
    })

  test('all of them at once', () => {
    const text = sound
      .replace('90m', 'soon')
      .replace('channel: payments', 'channel: nobody')
      .replace('  brokers', '  brokerz: 1\n  brokers')
      .replace('redis://', 'http://')
    expect(wrong(text).map(line => line.split(':')[0])).toEqual(['cluster.brokerz', 'redis.url', 'agents.consumer-guardian.policy.lagForMs'])
    expect(wrong(text).length).toBe(3)
  })
})

describe('the environment', () => {
  test('fills in values, also numbers and yes/no where those are expected', () => {
    const config = good(`${sound}http: { port: "\${PORT}" }\nlimits: { maxActions: "\${N:-7}" }\n`.replace('policy:', 'act: "${ACT}"\n    policy:'), {
      ...env,
      PORT: '8080',
      ACT: 'true'
    })
    expect(config.http.port).toBe(8_080)
    expect(config.limits.maxActions).toBe(7)
    expect(config.agents['consumer-guardian']!.act).toBe(true)
  })
  test('a password of digits stays a text', () => {
    const text = sound.replace('redis:', '  sasl: { mechanism: PLAIN, username: u, password: "${DIGITS}" }\nredis:')
    expect(passwordOf(good(text, { ...env, DIGITS: '0012' })).reveal()).toBe('0012')
  })
  test('a missing variable is a mistake with its path, and no second one for what it leaves empty', () => {
    expect(wrong(sound, {})).toEqual(['notify.channels.payments.slackWebhook:12: the environment has no variable PAYMENTS_WEBHOOK'])
    expect(wrong(sound.replace('"one:9092, two:9092"', '"${BROKERS}"'))).toEqual(['cluster.brokers[0]:3: the environment has no variable BROKERS'])
    expect(wrong(sound.replace('one:9092', '${toString}'))).toEqual(['cluster.brokers[0]:3: the environment has no variable toString'])
  })
  test('a default stands for an unset and for an empty variable, and $$ for a dollar', () => {
    const text = (clientId: string) => sound.replace('redis:', `  clientId: '${clientId}'\nredis:`)
    expect(good(text('${EMPTY:-a}')).cluster.clientId).toBe('a')
    expect(good(text('${UNSET:-b}')).cluster.clientId).toBe('b')
    const saslText = sound.replace('redis:', () => "  sasl: { mechanism: PLAIN, username: u, password: 'a$$b$c$${X}' }\nredis:")
    expect(passwordOf(good(saslText)).reveal()).toBe('a$b$c${X}')
  })
  test('a reference that is not well formed is a mistake', () => {
    for (const bad of ['${', '${}', '${1A}', '${A:b}', '${A'])
      expect(wrong(sound.replace('one:9092', bad))[0]).toContain('expected ${NAME}, ${NAME:-default} or ${file:/path}')
  })
})

describe('secrets', () => {
  const secretText = fc.string({ minLength: 8, maxLength: 40 }).filter(text => /[A-Za-z0-9]{8}/.test(text) && !'[secret]'.includes(text))
  test('are never shown by any print of the configuration', () => {
    fc.assert(
      fc.property(secretText, value => {
        const text = sound
          .replace('redis:', '  sasl: { mechanism: PLAIN, username: u, password: "${REEVE_PASSWORD}" }\nredis:')
          .replace('policy:', 'sasl: { mechanism: PLAIN, username: g, password: "${REEVE_PASSWORD}" }\n    policy:')
        const config = good(text, { ...env, REEVE_PASSWORD: value, PAYMENTS_WEBHOOK: `https://example.com/${encodeURIComponent(value)}` })
        const prints = [
          JSON.stringify(config),
          inspect(config, { depth: 20, showHidden: true }),
          String(passwordOf(config)),
          [passwordOf(config)].join(''),
          JSON.stringify({ ...config.cluster.sasl })
        ]
        for (const print of prints) {
          expect(print).not.toContain(value)
          expect(print).not.toContain(encodeURIComponent(value))
        }
        expect(login(config, 'consumer-guardian')).toEqual({ mechanism: 'PLAIN', username: 'g', password: value })
        expect(login(config, null)).toEqual({ mechanism: 'PLAIN', username: 'u', password: value })
        expect(kafkaConnection(config, null).clientId).toBe('reeve')
        expect(inspect(kafkaConnection(config, null), { depth: 20, showHidden: true })).not.toContain(value)
      }),
      { numRuns: 30 }
    )
  }, 30_000)
  test('a value of the environment or of a secret key is in no mistake, wherever it was put', () => {
    const places = [
      'one:9092, two:9092',
      'redis://127.0.0.1:6379',
      'https://hooks.slack.com/services/T0/B0/secret-part',
      'payments-*',
      '90m',
      'channel: payments',
      'platformChannel: platform',
      'team: payments',
      'version: 1'
    ]
    fc.assert(
      fc.property(fc.constantFrom(...places), secretText, (place, value) => {
        const to = place.includes(': ') ? `${place.split(': ')[0]}: "\${SECRET}"` : '${SECRET}'
        const found = wrong(sound.replace(place, place === '90m' ? '"${SECRET}"' : to), { ...env, SECRET: value })
        expect(JSON.stringify(found)).not.toContain(value)
      }),
      { numRuns: 60 }
    )
    const literal = sound
      .replace('redis:', '  sasl: { mechanism: PLAIN, username: u, password: 90210771 }\nredis:')
      .replace('url: redis://', 'url: http://user:plain-text@')
    expect(wrong(literal).length).toBe(2)
    expect(JSON.stringify(wrong(literal))).not.toMatch(/90210771|plain-text/)
  }, 30_000)
  test('a secret shows itself to reveal alone', () => {
    const secret = new Secret('hidden-value')
    expect(
      [
        String(secret),
        [secret].join(''),
        JSON.stringify({ secret }),
        inspect({ secret }, { showHidden: true }),
        JSON.stringify(Object.entries(secret)),
        JSON.stringify(structuredClone({ secret: Object.assign({}, secret) }))
      ].join(' ')
    ).not.toContain('hidden-value')
    expect(secret.reveal()).toBe('hidden-value')
  })
})

describe('secrets from files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-secrets-'))
  const load = (text: string) => {
    const file = join(folder, 'reeve.yaml')
    writeFileSync(file, text)
    return loadConfig({ file, env, agents })
  }
  const config = (text: string) => {
    const loaded = load(text)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
    return loaded.configs[0]
  }
  const mistakes = (text: string) => {
    const loaded = load(text)
    return loaded.ok ? [] : loaded.mistakes.map(({ path, message }) => `${path}: ${message}`)
  }
  const withPassword = (value: string) => sound.replace('redis:', () => `  sasl: { mechanism: SCRAM-SHA-512, username: u, password: "${value}" }\nredis:`)
  const heard: CredentialNews[] = []
  const stop = onCredentialNews(news => heard.push(news))
  afterAll(stop)

  test('a secret is what its file holds now, without the newline at its end', () => {
    writeFileSync(join(folder, 'password'), 'first\n')
    const connection = kafkaConnection(config(withPassword('${file:password}')), null)
    const password = () => (connection.sasl as { password: () => string }).password()
    expect(password()).toBe('first')
    writeFileSync(join(folder, 'password'), 'the second one\n')
    expect(password()).toBe('the second one')
  })

  test('a file that is gone or empty leaves the old secret in use, and that is told once and without a secret', () => {
    writeFileSync(join(folder, 'going'), 'held-secret')
    const secret = passwordOf(config(withPassword('${file:going}')))
    heard.length = 0
    rmSync(join(folder, 'going'))
    expect([secret.reveal(), secret.reveal()]).toEqual(['held-secret', 'held-secret'])
    writeFileSync(join(folder, 'going'), '\n')
    expect(secret.reveal()).toBe('held-secret')
    expect(heard).toEqual([
      { event: 'kept', what: join(folder, 'going'), reason: expect.stringContaining('cannot be read: ENOENT') },
      { event: 'kept', what: join(folder, 'going'), reason: expect.stringContaining('is empty') }
    ])
    expect(JSON.stringify(heard)).not.toContain('held-secret')
    writeFileSync(join(folder, 'going'), 'another')
    expect(secret.reveal()).toBe('another')
  })

  test('a part of an address may come from a file, and what makes it no address is not taken', () => {
    writeFileSync(join(folder, 'redis'), 'one')
    const { redis } = config(sound.replace('redis://127', () => 'redis://:${file:redis}@127'))
    writeFileSync(join(folder, 'redis'), 'two')
    expect(redis.url.reveal()).toBe('redis://:two@127.0.0.1:6379')
    heard.length = 0
    writeFileSync(join(folder, 'redis'), 'a/b')
    expect(redis.url.reveal()).toBe('redis://:two@127.0.0.1:6379')
    expect(heard).toContainEqual({ event: 'kept', what: 'redis.url', reason: 'the configuration takes no such value there' })
    expect(JSON.stringify(heard)).not.toContain('a/b')
  })

  test('a file that is not there at the start is a mistake, and so is one where no secret stands', () => {
    expect(mistakes(withPassword('${file:none}'))).toEqual([`cluster.sasl.password: the file ${join(folder, 'none')} cannot be read: ENOENT`])
    writeFileSync(join(folder, 'name'), 'reeve')
    expect(mistakes(sound.replace('redis:', () => '  clientId: "${file:name}"\nredis:'))).toEqual([
      'cluster.clientId: only a secret is read from a file, again and again: expected ${NAME}'
    ])
    expect(mistakes(withPassword('${file:}'))[0]).toContain('expected ${NAME}, ${NAME:-default} or ${file:/path}')
  })
})

describe('logins and certificates', () => {
  const oauth = (more = '') =>
    sound.replace(
      'redis:',
      () => `  sasl: { mechanism: OAUTHBEARER, tokenEndpoint: 'https://idp/token', clientId: reeve, clientSecret: "\${REEVE_PASSWORD}"${more} }\nredis:`
    )
  test('OAUTHBEARER has client credentials and extensions in place of a password', () => {
    const { sasl } = kafkaConnection(good(oauth(', scope: kafka, extensions: { logicalCluster: lkc-1 }')), null)
    expect(sasl).toEqual({ mechanism: 'OAUTHBEARER', token: expect.any(Function), extensions: { logicalCluster: 'lkc-1' } })
  })
  test.each([
    ['a password with a token', oauth(', pasword: x'), 'cluster.sasl.pasword:4: unknown key'],
    ['an unknown mechanism', oauth().replace('OAUTHBEARER', 'GSSAPI'), 'expected PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER, found "GSSAPI"'],
    ['a misspelt key', oauth(', scop: x'), 'cluster.sasl.scop:4: unknown key; did you mean scope?'],
    ['no client id', oauth().replace('clientId: reeve, ', ''), 'cluster.sasl.clientId:4: missing'],
    ['an endpoint in clear', oauth().replace('https://idp', 'http://idp'), 'expected an https:// address (http:// only for this machine)'],
    ['an extension that would pass for the token', oauth(', extensions: { auth: x }'), 'cluster.sasl.extensions.auth'],
    ['an extension that ends early', oauth(', extensions: { a: "x\\u0001auth=y" }'), 'expected printable characters'],
    ['TLS files for a Redis without TLS', sound.replace('redis:\n', 'redis:\n  tls: { caFile: ca.pem }\n'), 'redis.tls:5: needs a rediss:// address in url'],
    ['half a certificate of an agent', sound.replace('policy:', 'tls: { certFile: a.pem }\n    policy:'), 'agents.consumer-guardian.tls.keyFile:15: missing']
  ])('%s is a mistake', (_, text, expected) => {
    expect(wrong(text).join('\n')).toContain(expected)
  })
  test("an agent's own certificate is laid over the cluster's", () => {
    const folder = mkdtempSync(join(tmpdir(), 'reeve-config-'))
    for (const name of ['ca', 'cert', 'key', 'own', 'own-key']) writeFileSync(join(folder, `${name}.pem`), 'x')
    const file = join(folder, 'reeve.yaml')
    writeFileSync(
      file,
      sound
        .replace('redis:', '  tls: { caFile: ca.pem, certFile: cert.pem, keyFile: key.pem }\nredis:')
        .replace('policy:', 'tls: { certFile: own.pem, keyFile: own-key.pem }\n    policy:')
    )
    const loaded = loadConfig({ file, env, agents })
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
    const at = (name: string) => join(folder, name)
    expect(kafkaConnection(loaded.configs[0], null).tls).toEqual({ caFile: at('ca.pem'), certFile: at('cert.pem'), keyFile: at('key.pem') })
    expect(kafkaConnection(loaded.configs[0], 'consumer-guardian').tls).toEqual({ caFile: at('ca.pem'), certFile: at('own.pem'), keyFile: at('own-key.pem') })
  })
})

test('files of certificates are found beside the configuration, and one that is missing is a mistake', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-config-'))
  writeFileSync(join(folder, 'ca.pem'), 'x')
  const file = join(folder, 'reeve.yaml')
  writeFileSync(file, sound.replace('redis:', '  tls: { caFile: ca.pem }\nredis:'))
  const loaded = loadConfig({ file, env, agents })
  expect(loaded.ok && kafkaConnection(loaded.configs[0], null).tls).toEqual({ caFile: join(folder, 'ca.pem') })
  writeFileSync(file, sound.replace('redis:', '  tls: { caFile: other.pem, certFile: ca.pem }\nredis:'))
  const refused = loadConfig({ file, env, agents })
  expect(refused.ok ? [] : refused.mistakes.map(({ path, message }) => `${path}: ${message}`)).toEqual([
    'cluster.tls: certFile and keyFile belong together, found a block'
  ])
  writeFileSync(file, sound.replace('redis:', '  tls: { caFile: other.pem }\nredis:'))
  const absent = loadConfig({ file, env, agents })
  expect(absent.ok ? [] : absent.mistakes).toEqual([{ path: 'cluster.tls.caFile', message: 'the file cannot be read: ENOENT', line: 4, column: 10 }])
  expect(loadConfig({ file: join(folder, 'none.yaml'), env, agents })).toMatchObject({
    ok: false,
    mistakes: [{ path: '', message: expect.stringContaining('ENOENT') }]
  })
})

test('any text is either a configuration or a list of mistakes, never a throw', () => {
  const shippedText = readFileSync(shipped, 'utf8')
  const mangled = fc
    .tuple(fc.nat(shippedText.length), fc.nat(40), fc.string({ unit: 'binary', maxLength: 12 }))
    .map(([at, cut, add]) => shippedText.slice(0, at) + add + shippedText.slice(at + cut))
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        mangled,
        fc.json(),
        fc.constantFrom(
          'a: &a [*a]',
          '__proto__: {}',
          '? [a]\n: b',
          '!!js/function x',
          '<<: {version: 1}',
          'version: 1\n__proto__: {cluster: 1}',
          '*none',
          'a: &x 1\nb: *x',
          '['.repeat(2_000),
          `a: &a [x,x,x,x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]`
        )
      ),
      text => {
        const loaded = parse(text)
        if (!loaded.ok) expect(loaded.mistakes.length).toBeGreaterThan(0)
        for (const { message } of loaded.ok ? [] : loaded.mistakes) expect(message).toMatch(/\S/)
      }
    ),
    { numRuns: 120 }
  )
}, 30_000)

describe('several clusters from one file', () => {
  const several = sound
    .replace(/cluster:\n.*\n/, 'cluster: { clientId: shared }\n')
    .concat(
      [
        'clusters:',
        '  eu: { cluster: { brokers: [eu:9092] }, agents: { consumer-guardian: { act: true } } }',
        '  us:',
        '    cluster: { brokers: [us:9092], clientId: own }',
        '    owners: []',
        ''
      ].join('\n')
    )
  const all = (text: string): readonly Config[] => {
    const loaded = parse(text)
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.mistakes))
    return loaded.configs
  }

  test('what stands under a name is laid over the rest: blocks key by key, lists whole', () => {
    const [eu, us, ...more] = all(several)
    expect(more).toEqual([])
    expect([eu!.cluster.name, eu!.cluster.brokers, eu!.cluster.clientId]).toEqual(['eu', ['eu:9092'], 'shared'])
    expect([us!.cluster.name, us!.cluster.brokers, us!.cluster.clientId]).toEqual(['us', ['us:9092'], 'own'])
    expect(eu!.agents['consumer-guardian']).toMatchObject({ act: true, policy: { lagForMs: 5_400_000 } })
    expect(us!.agents['consumer-guardian']).toMatchObject({ act: false, policy: { lagForMs: 5_400_000 } })
    expect([eu!.owners.length, us!.owners.length]).toEqual([1, 0])
    expect([eu, us, good(sound)].map(config => config!.cluster.oneOfSeveral)).toEqual([true, true, false])
  })

  test('a file without them is one cluster, called main unless it says otherwise', () => {
    expect(good(sound).cluster.name).toBe('main')
    expect(good(sound.replace('cluster:', 'cluster:\n  name: prod')).cluster.name).toBe('prod')
  })

  test.each([
    [
      'a mistake under a name stands there',
      several.replace('brokers: [us:9092]', 'brokers: [us]'),
      ['clusters.us.cluster.brokers:18: address 1 of 1: expected host:port']
    ],
    ['a mistake at the top is said once', several.replace('90m', 'soon'), ['agents.consumer-guardian.policy.lagForMs:14: expected a duration']],
    ['what a cluster lacks is missing there', several.replace('brokers: [us:9092], ', ''), ['clusters.us.cluster.brokers:18: missing']],
    ['an unknown key', several.replace('    owners: []', '    ownerz: []'), ['clusters.us.ownerz:19: unknown key; did you mean owners?']],
    ['what belongs to the process', several.replace('    owners: []', '    http: { port: 1 }'), ['clusters.us.http:19: belongs to the process']],
    ['no cluster', several.replace(/clusters:[^]*$/, 'clusters: {}\n'), ['clusters:15: expected a block with a name']],
    ['no block', several.replace(/ {2}us:[^]*$/, '  us: 3\n'), ['clusters.us:17: expected a block']],
    ['a name that no metric or queue could bear', several.replace('  us:', '  "us west":'), ['expected letters, digits']]
  ])('%s', (_, text, expected) => {
    const found = wrong(text)
    expect(found).toHaveLength(expected.length)
    expected.forEach((part, index) => expect(found[index]).toContain(part))
  })

  test('any overlay is read or refused, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const text = `${sound}clusters: ${JSON.stringify(value)}\n`
        const loaded = parse(text)
        if (!loaded.ok) expect(loaded.mistakes.length).toBeGreaterThan(0)
      })
    )
  })
})
