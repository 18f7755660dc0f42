import { expect, test } from 'vitest'
import { jsonLayout } from './json-layout.ts'
import { compileLayout } from './layout.ts'
import { openZone, sourceTimeOf } from './source-time.ts'

test('a pattern that is not understood says what is wrong and what is expected', () => {
  for (const [pattern, said] of [
    ['%p %m%n', 'it has no time is not understood; expected %d'],
    ['%d %p%n', 'it has no message is not understood; expected %m'],
    ['%d %d %m', 'it says the time twice'],
    ['%d{HH:mm:ss} %m', 'has no year: expected a full date and time'],
    ['%d{yyyy-MM-dd hh:mm:ss} %m', '"hh" is not understood'],
    ['%d %enc{%m}', 'escapes for HTML is not understood; expected %enc{%m}{JSON}'],
    ['%d %ex %m', '%ex is not understood'],
    ['%d{ISO8601}{Europe/Zurich} %m', 'expected the zone as timeZone']
  ] as const)
    expect(() => compileLayout(pattern), pattern).toThrow(said)
})

test('parts are found wherever a pattern has them', () => {
  const layout = compileLayout('%-5level 100%% %d{dd MMM yyyy HH:mm:ss,SSS} [%t] %logger{36}: %msg - end%n')
  expect(layout.read('WARN  100% 29 Feb 2024 23:59:58,007 [main (1)] a.b.C: text - end - end')).toEqual({
    level: 'WARN',
    logger: 'a.b.C',
    message: 'text - end',
    date: { kind: 'local', fieldsMs: Date.UTC(2024, 1, 29, 23, 59, 58, 7) }
  })
  expect(layout.begins('WARN  100% 29 Feb 2024 23:59:58,007 [main] a.b.C: half')).toBe(true)
  expect(layout.read('WARN  100% 30 Feb 2024 23:59:58,007 [main] a.b.C: text - end')).toBeNull()
})

test('JSON of a forwarder is read by the fields that are configured', () => {
  const layout = jsonLayout({ message: 'log.original', timestamp: '@timestamp', level: 'log.level', logger: 'log.logger' })
  const read = (timestamp: unknown) => layout.read(JSON.stringify({ '@timestamp': timestamp, log: { original: 'm', level: 'info' }, 'log.logger': 'l' }))
  expect(read('2026-11-21T20:23:07.389+01:00')).toEqual({
    level: 'INFO',
    logger: 'l',
    message: 'm',
    date: { kind: 'moment', atMs: Date.parse('2026-11-21T19:23:07.389Z') }
  })
  for (const [written, atMs] of [
    ['2026-11-21 20:23:07Z', 1_795_292_587_000],
    ['2026-11-21T20:23:07,3+0000', 1_795_292_587_300],
    [1_795_292_587.389, 1_795_292_587_389],
    [1_795_292_587_389, 1_795_292_587_389],
    [{ epochSecond: 1_795_292_587, nanoOfSecond: 389_999_999 }, 1_795_292_587_389]
  ] as const)
    expect(read(written)?.date, JSON.stringify(written)).toEqual({ kind: 'moment', atMs })
  for (const wrong of ['2026-11-21T20:23:07', 'yesterday', null, true, [], 1e300, {}]) expect(read(wrong), JSON.stringify(wrong)).toBeNull()
  const local = jsonLayout({ message: 'm', timestamp: 't', datePattern: 'ISO8601' })
  expect(local.read('{"m":"x","t":"2026-11-21T20:23:07,389"}')?.date).toEqual({ kind: 'local', fieldsMs: 1_795_292_587_389 })
  for (const text of ['', 'null', '[]', '{"m":1,"t":"2026-11-21T20:23:07,389"}', '{"m":']) expect(local.read(text)).toBeNull()
})

test('an hour that a zone had twice gives both moments, one that it never had is named, and a stated offset needs no zone', () => {
  const zurich = openZone('Europe/Zurich')
  const at = (local: string) => sourceTimeOf({ kind: 'local', fieldsMs: Date.parse(`${local}Z`) }, zurich)
  const moment = (text: string): number => Date.parse(text)
  expect(at('2026-07-01T12:00:00')).toEqual({ atMs: moment('2026-07-01T10:00:00Z'), timeCertainty: 'zoned', timeZone: 'Europe/Zurich' })
  expect(at('2026-10-25T01:59:59.999')).toMatchObject({ atMs: moment('2026-10-24T23:59:59.999Z'), timeCertainty: 'zoned' })
  expect(at('2026-10-25T02:00:00')).toMatchObject({ atMs: moment('2026-10-25T00:00:00Z'), orMs: moment('2026-10-25T01:00:00Z'), timeCertainty: 'ambiguous' })
  expect(at('2026-10-25T03:00:00')).toMatchObject({ atMs: moment('2026-10-25T02:00:00Z'), timeCertainty: 'zoned' })
  expect(at('2026-03-29T02:30:00')).toMatchObject({ atMs: moment('2026-03-29T01:30:00Z'), timeCertainty: 'skipped' })
  expect(sourceTimeOf({ kind: 'moment', atMs: 5 }, zurich)).toEqual({ atMs: 5, timeCertainty: 'stated' })
  expect(openZone('Australia/Lord_Howe').at(Date.parse('2026-04-05T01:45:00Z'))).toMatchObject({ timeCertainty: 'ambiguous', orMs: expect.any(Number) })
  expect(openZone('Asia/Kathmandu').at(Date.parse('2026-01-01T05:45:00Z')).atMs).toBe(moment('2026-01-01T00:00:00Z'))
  expect(() => openZone('Europe/Zürich')).toThrow('expected an IANA name')
})
