import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addresses, extraAddresses, nodeProperties, portCount, portsFrom, renderProperties } from './node-properties.ts'

const plan = (nodes: number) => ({
  ports: portsFrom(20_000, nodes),
  principals: { admin: 'a1', app: 'b2' },
  keystore: { file: '/keys/server.p12', password: 'c3' },
  bind: '127.0.0.1',
  extra: {}
})

test('every listener of every node and Redis has a port of its own inside the block', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60_000 }), fc.nat(9), (first, nodes) => {
      const ports = portsFrom(first, nodes)
      const all = [...ports.nodes.flatMap(node => [node.plain, node.sasl, node.tls, node.controller, node.controllerSasl]), ports.redis]
      expect(new Set(all).size).toBe(portCount(nodes))
      expect(Math.min(...all)).toBe(first)
      expect(Math.max(...all)).toBe(first + portCount(nodes) - 1)
    })
  )
})

test('a node listens where clients and the other nodes are told to find it', () => {
  const properties = nodeProperties(2, '/data', plan(3))
  expect(properties['listeners']).toBe(
    'PLAIN://127.0.0.1:20005,SASL://127.0.0.1:20006,TLS://127.0.0.1:20007,CONTROLLER://127.0.0.1:20008,CONTROLLER_SASL://127.0.0.1:20009'
  )
  expect(properties['advertised.listeners']).toBe('PLAIN://127.0.0.1:20005,SASL://127.0.0.1:20006,TLS://127.0.0.1:20007')
  expect(properties['controller.quorum.voters']).toBe('1@127.0.0.1:20003,2@127.0.0.1:20008,3@127.0.0.1:20013')
  expect(addresses(plan(3).ports, 'sasl')).toEqual(['127.0.0.1:20001', '127.0.0.1:20006', '127.0.0.1:20011'])
})

test('an extra listener has a port of its own on every node, and is advertised where something stands in front of it', () => {
  const listeners = {
    MTLS: { protocol: 'SSL', properties: { 'ssl.client.auth': 'required' }, advertisedPort: 19_999 },
    OAUTH: { protocol: 'SASL_PLAINTEXT', properties: {} }
  } as const
  const ports = portsFrom(20_000, 2, Object.keys(listeners))
  const properties = nodeProperties(2, '/data', { ...plan(2), ports, listeners })
  expect(ports.redis).toBe(20_000 + portCount(2, 2) - 1)
  expect(properties['listeners']).toContain(',MTLS://127.0.0.1:20012,OAUTH://127.0.0.1:20013,CONTROLLER://127.0.0.1:20010')
  expect(properties['advertised.listeners']).toContain(',MTLS://127.0.0.1:19999,OAUTH://127.0.0.1:20013')
  expect(properties['listener.security.protocol.map']).toContain(',MTLS:SSL,OAUTH:SASL_PLAINTEXT')
  expect(properties['listener.name.mtls.ssl.client.auth']).toBe('required')
  expect(properties['listener.name.mtls.ssl.keystore.location']).toBe('/keys/server.p12')
  expect(properties['listener.name.oauth.ssl.keystore.location']).toBeUndefined()
  expect(extraAddresses(ports, 'OAUTH')).toEqual(['127.0.0.1:20006', '127.0.0.1:20013'])
})

test('an extra listener of the controllers is named as theirs, and no client is told of it', () => {
  const listeners = { CONTROLLER_TLS: { protocol: 'SSL', properties: {}, controller: true } } as const
  const properties = nodeProperties(1, '/data', { ...plan(1), ports: portsFrom(20_000, 1, Object.keys(listeners)), listeners })
  expect(properties['controller.listener.names']).toBe('CONTROLLER,CONTROLLER_SASL,CONTROLLER_TLS')
  expect(properties['listeners']).toContain(',CONTROLLER_TLS://127.0.0.1:20005,')
  expect(properties['advertised.listeners']).not.toContain('CONTROLLER')
  expect(properties['listener.name.controller_tls.ssl.keystore.location']).toBe('/keys/server.p12')
})

test('inside a container a node binds every address and still advertises 127.0.0.1', () => {
  const properties = nodeProperties(1, '/data', { ...plan(3), bind: '0.0.0.0' })
  expect(properties['listeners']).toContain('PLAIN://0.0.0.0:20000')
  expect(properties['advertised.listeners']).not.toContain('0.0.0.0')
})

test.each([
  [1, '1', '1'],
  [2, '2', '2'],
  [3, '3', '2'],
  [5, '3', '2']
])('%i nodes keep %s replicas, %s of them in sync', (nodes, replicas, inSync) => {
  const properties = nodeProperties(1, '/data', plan(nodes))
  for (const name of ['default.replication.factor', 'offsets.topic.replication.factor', 'transaction.state.log.replication.factor'])
    expect(properties[name]).toBe(replicas)
  for (const name of ['min.insync.replicas', 'transaction.state.log.min.isr']) expect(properties[name]).toBe(inSync)
})

test('nobody but the super users may do anything without an ACL', () => {
  const properties = nodeProperties(1, '/data', plan(3))
  expect(properties['allow.everyone.if.no.acl.found']).toBe('false')
  expect(properties['super.users']).toBe('User:ANONYMOUS;User:admin')
})

test('what a test asks for comes last', () => {
  expect(nodeProperties(1, '/data', { ...plan(3), extra: { 'min.insync.replicas': '1' } })['min.insync.replicas']).toBe('1')
})

test('a node that the plan does not know is refused', () => {
  expect(() => nodeProperties(4, '/data', plan(3))).toThrow('node 4: the plan has ports for 3 nodes')
})

test('a space at the start of a value, and separators in a key, are kept', () => {
  expect(renderProperties({ 'a=b': ' c', d: 'é\\' })).toBe('a\\=b=\\ c\nd=\\u00e9\\\\\n')
})

test('any properties are read back as they were, by the rules of java.util.Properties', () => {
  const text = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(
      fc.dictionary(
        text.filter(key => key !== ''),
        text
      ),
      properties => {
        expect(readBack(renderProperties(properties))).toEqual({ ...properties })
      }
    )
  )
})

/** The load rules of java.util.Properties for what is one line a property. */
function readBack(text: string): Record<string, string> {
  const read: [string, string][] = []
  for (const line of text.split('\n').slice(0, -1)) {
    let end = 0
    while (!/[=:\s]/.test(line[end] ?? '=')) end += line[end] === '\\' ? 2 : 1
    read.push([unescaped(line.slice(0, end)), unescaped(line.slice(end + 1).replace(/^[ \t\f]+/, ''))])
  }
  return Object.fromEntries(read)
}

function unescaped(text: string): string {
  const named: Record<string, string> = { n: '\n', r: '\r', t: '\t', f: '\f' }
  return text.replaceAll(/\\(?:u([0-9a-f]{4})|(.))/gs, (_, hex: string | undefined, unit: string) =>
    hex === undefined ? (named[unit] ?? unit) : String.fromCharCode(parseInt(hex, 16))
  )
}
