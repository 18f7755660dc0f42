import fc from 'fast-check'
import { expect, test } from 'vitest'
import { engineRights, aclsFor } from '../engine/rights.ts'
import { addAcls, quoted, removeAcls, setTopic } from './commands.ts'

test('each resource has one command, with all its operations, prefixes and kinds as kafka-acls wants them', () => {
  const commands = addAcls(['a:1', 'b:2'], aclsFor(engineRights, 'User:reeve', 'house'))
  expect(commands[0]).toBe(
    'kafka-acls --bootstrap-server a:1,b:2 --command-config admin.properties --add --allow-principal User:reeve --operation Describe --cluster'
  )
  expect(commands).toContainEqual(expect.stringMatching(/--operation Create --topic house\. --resource-pattern-type prefixed$/))
  expect(commands).toContainEqual(expect.stringMatching(/--operation Read --operation Write --topic house\.state$/))
  expect(commands).toContainEqual(expect.stringMatching(/--operation Write --transactional-id house\.state$/))
  expect(commands).toContainEqual(expect.stringMatching(/--operation Describe --group '\*'$/))
})

test('a denial for one host is taken away for that host, without a question', () => {
  const denial = {
    resourceType: 'topic',
    resourceName: 'orders',
    pattern: 'literal',
    principal: 'User:CN=x y,O=z',
    host: '10.0.0.1',
    operation: 'describe-configs',
    permission: 'deny'
  } as const
  expect(removeAcls(['a:1'], [denial])).toEqual([
    "kafka-acls --bootstrap-server a:1 --command-config admin.properties --remove --force --deny-principal 'User:CN=x y,O=z' --deny-host 10.0.0.1 --operation DescribeConfigs --topic orders"
  ])
})

test('a value with a comma stands in brackets', () => {
  expect(setTopic(['a:1'], 't', { 'cleanup.policy': 'compact,delete', 'retention.ms': '1' })).toMatch(
    /--add-config 'cleanup\.policy=\[compact,delete\],retention\.ms=1'$/
  )
})

test('whatever a name holds, a shell gives it back as one word', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }).filter(text => !text.includes('\0')),
      text => {
        const word = quoted(text)
        const read = word.startsWith("'") ? word.slice(1, -1).replaceAll(String.raw`'\''`, "'") : word
        expect(read).toBe(text)
        if (!word.startsWith("'")) expect(word).toMatch(/^[A-Za-z0-9_./:=,@%+-]+$/)
      }
    )
  )
})
