import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeRecord } from '#test/support/metadata-records.ts'
import { decodeMetadataRecord, hashKeyFrom } from './decode.ts'
import type { Dropped, KnownRecord } from './record.ts'
import { isSensitiveConfig } from './secrets.ts'

const hashKey = hashKeyFrom(Buffer.alloc(32, 7))
const decode = (value: Buffer) => decodeMetadataRecord(value, { hashKey })
const [topic, broker, brokerLogger, clientMetrics, group] = [2, 4, 8, 16, 32] as const

function configValue(resourceType: number, name: string, value: string, resourceName = '1'): string | null | Dropped {
  const decoded = decode(encodeRecord('ConfigRecord', 0, { resourceType, resourceName, name, value }))
  if (decoded.kind !== 'known' || decoded.type !== 'ConfigRecord') throw new Error('no config')
  return decoded.fields.value
}

const scram = (name: string, secret: Buffer, mechanism = 2) =>
  decode(encodeRecord('UserScramCredentialRecord', 0, { name, mechanism, salt: secret, storedKey: secret, serverKey: secret, iterations: 4096 }))

describe('the value of a config is dropped', () => {
  test.each([
    [broker, 'ssl.keystore.password'],
    [broker, 'ssl.key.password'],
    [broker, 'ssl.keystore.key'],
    [broker, 'ssl.truststore.password'],
    [broker, 'sasl.jaas.config'],
    [broker, 'delegation.token.secret.key'],
    [broker, 'sasl.oauthbearer.client.credentials.client.secret'],
    [broker, 'sasl.oauthbearer.token.endpoint.url'],
    [broker, 'listener.name.sasl.ssl.key.password'],
    [broker, 'listener.name.sasl.scram-sha-512.sasl.jaas.config'],
    [broker, 'listener.name.sasl.plain.sasl.server.callback.handler.class'],
    [broker, 'rsm.config.fs.s3a.access.key'],
    [broker, 'a.name.nobody.knows'],
    [broker, 'constructor'],
    [brokerLogger, 'kafka.controller'],
    [topic, 'a.name.nobody.knows'],
    [topic, 'log.retention.ms'],
    [topic, 'listener.name.sasl.retention.ms'],
    [group, 'a.name.nobody.knows'],
    [64, 'retention.ms']
  ])('resource type %i, %s', (resourceType, name) => {
    const value = configValue(resourceType, name, 'planted-secret')
    expect(value).toEqual({ dropped: 'secret', lengthBytes: 14, keyedHash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })
})

test.each([
  [topic, 'retention.ms'],
  [topic, 'cleanup.policy'],
  [broker, 'min.insync.replicas'],
  [broker, 'ssl.keystore.location'],
  [broker, 'listener.name.sasl.ssl.keystore.location'],
  [group, 'consumer.session.timeout.ms'],
  [clientMetrics, 'interval.ms']
])('the value of a harmless config is kept: resource type %i, %s', (resourceType, name) => {
  expect(configValue(resourceType, name, 'kept')).toBe('kept')
  expect(isSensitiveConfig(resourceType, name)).toBe(false)
})

test('a config that is taken away is null, also where its value was a secret', () => {
  const decoded = decode(encodeRecord('ConfigRecord', 0, { resourceType: broker, resourceName: '1', name: 'ssl.key.password', value: null }))
  expect((decoded as KnownRecord).fields).toMatchObject({ value: null })
})

describe('the hash of a secret', () => {
  test('is the same for the same secret in the same place, and for nothing else', () => {
    const hash = (name: string, value: string, resource?: string) => (configValue(broker, name, value, resource) as Dropped).keyedHash
    expect(hash('ssl.key.password', 'changeit')).toBe(hash('ssl.key.password', 'changeit'))
    expect(hash('ssl.key.password', 'changeit')).not.toBe(hash('ssl.key.password', 'changeme'))
    expect(hash('ssl.key.password', 'changeit')).not.toBe(hash('ssl.keystore.password', 'changeit'))
    expect(hash('ssl.key.password', 'changeit', '1')).not.toBe(hash('ssl.key.password', 'changeit', '2'))
  })
  test('does not show that two users, mechanisms or fields have the same one', () => {
    const hashes = [scram('ann', Buffer.from('salt')), scram('bob', Buffer.from('salt')), scram('ann', Buffer.from('salt'), 1)].flatMap(record => {
      const { salt, storedKey, serverKey } = (record as Extract<KnownRecord, { type: 'UserScramCredentialRecord' }>).fields
      return [salt, storedKey, serverKey].map(({ keyedHash }) => keyedHash)
    })
    expect(new Set(hashes).size).toBe(9)
  })
})

test('a planted secret is in no output, in no encoding, whatever becomes of its record', () => {
  const secret = fc.uint8Array({ minLength: 12, maxLength: 40 }).map(bytes => Buffer.from(bytes))
  fc.assert(
    fc.property(secret, fc.nat(), fc.integer({ min: 0, max: 9 }), (bytes, cut, version) => {
      const text = bytes.toString('hex')
      const scramRecord = encodeRecord('UserScramCredentialRecord', 0, {
        name: 'ann',
        mechanism: 2,
        salt: bytes,
        storedKey: bytes,
        serverKey: bytes,
        iterations: 4096
      })
      const config = encodeRecord('ConfigRecord', 0, { resourceType: broker, resourceName: '', name: 'listener.name.sasl.ssl.key.password', value: text })
      const tagged = encodeRecord('TopicRecord', 0, { name: 'orders' }, [[9, bytes]])
      for (const whole of [scramRecord, config, tagged]) {
        const later = Buffer.from(whole)
        later[2] = version
        for (const value of [whole, later, whole.subarray(0, cut % whole.length), Buffer.concat([whole, bytes])]) {
          const output = JSON.stringify(decode(value))
          for (const encoding of ['hex', 'base64', 'base64url', 'latin1', 'utf8'] as const)
            expect(output).not.toContain(JSON.stringify(bytes.toString(encoding)).slice(1, -1))
        }
      }
    }),
    { numRuns: 300 }
  )
})
