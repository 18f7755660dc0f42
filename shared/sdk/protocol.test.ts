import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Ack, ackKey, ackSchema, commandSchema, controlKey, decode, parseControlKey, type Target } from './protocol.ts'

const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
const target: fc.Arbitrary<Target> = fc.oneof(
  fc.record({ clusterId: name, groupId: name }),
  fc.record({ clusterId: name, groupId: name, topic: name }),
  fc.record({ clusterId: name, groupId: name, topic: name, partition: fc.nat(999_999_999) })
)

describe('keys', () => {
  test('a target with any characters in its names survives its key', () => {
    fc.assert(
      fc.property(target, each => {
        expect(parseControlKey(controlKey(each))).toEqual(each)
      })
    )
  })

  test('names that would look like a path do not', () => {
    const odd = { clusterId: 'a/b', groupId: '%2F../日本 "x"\n\u0000', topic: 't/0' }
    expect(controlKey(odd).split('/')).toHaveLength(3)
    expect(parseControlKey(controlKey(odd))).toEqual(odd)
  })

  test('two targets never share a key', () => {
    fc.assert(
      fc.property(target, target, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b))
        expect(controlKey(a)).not.toBe(controlKey(b))
      })
    )
  })

  test('a key is understood only when it is written as controlKey writes it', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(name).map(parts => parts.join('/'))
        ),
        key => {
          const parsed = parseControlKey(key)
          if (parsed !== null) expect(controlKey(parsed)).toBe(key)
        }
      )
    )
    for (const key of ['', 'c', '/', 'c/', '/g', 'c/g/', 'c/g/t/', 'c/g/t/-1', 'c/g/t/1.5', 'c/g/t/007', 'c/g/t/0/x', 'c/%', 'c/a b'])
      expect(parseControlKey(key), key).toBeNull()
  })

  test('a partition without its topic is refused, because its key would mean a topic', () => {
    expect(() => controlKey({ clusterId: 'c', groupId: 'g', partition: 3 })).toThrow('needs its topic')
  })

  test('members of different groups never share an ack key', () => {
    expect(ackKey('c', 'a/b', 'm')).not.toBe(ackKey('c', 'a', 'b/m'))
  })
})

describe('values', () => {
  const ack: Ack = {
    version: 1,
    groupId: 'g/ü',
    memberId: 'm',
    clientId: '',
    client: 'kafkajs/2.2.4',
    grain: 'partition',
    commandId: null,
    state: 'running',
    paused: ['t-0'],
    atMs: 1
  }

  test('an ack survives its encoding', () => {
    expect(decode(ackSchema, Buffer.from(JSON.stringify(ack)))).toEqual(ack)
  })

  test('any bytes decode to a value of ours or to null, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(decode(commandSchema, Buffer.from(bytes))).toBeNull()
      })
    )
    fc.assert(
      fc.property(fc.json(), text => {
        const decoded = decode(commandSchema, Buffer.from(text))
        expect(decoded === null || decoded.version === 1).toBe(true)
      })
    )
  })

  test('a command with one field missing, or of a later version, is not one of ours', () => {
    const command = { version: 1, commandId: 'x', state: 'paused', issuedAtMs: 1, untilMs: 2, ttlMs: 3, reason: 'r', issuer: 'i' }
    const encoded = (value: object): Buffer => Buffer.from(JSON.stringify(value))
    expect(decode(commandSchema, encoded(command))).toEqual(command)
    for (const field of Object.keys(command)) expect(decode(commandSchema, encoded({ ...command, [field]: undefined })), field).toBeNull()
    for (const wrong of [{ version: 2 }, { state: 'stopped' }, { untilMs: '2' }, { ttlMs: -1 }, { ttlMs: 0.5 }, { commandId: '' }]) {
      expect(decode(commandSchema, encoded({ ...command, ...wrong })), JSON.stringify(wrong)).toBeNull()
    }
  })
})
