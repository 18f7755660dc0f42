import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKafka } from '#shared/kafka/index.ts'
import type { Kafka } from '#shared/kafka/ports.ts'
import { reeveTopics } from '#shared/engine/topics.ts'
import { configuration, names, type Reeve, ReeveBench, speak } from '#test/support/reeve-process.ts'
import { readTruth } from '#test/support/replica.ts'
import { stack, superUser, unique } from '#test/support/stack.ts'

// The tests have one Kafka: two clusters of the configuration are the same one under prefixes of their own, a third is nowhere.

describe('several clusters from one configuration', () => {
  const bench = new ReeveBench()
  const prefixes = { east: unique('clusters-east'), west: unique('clusters-west') }
  let kafka: Kafka
  let file = ''
  let reeve: Reeve
  const at = (prefix: string, brokers: readonly string[] = stack().brokers) => ({ cluster: { brokers: [...brokers] }, topics: { prefix } })
  const several = (clusters: object) => {
    const { cluster: _, topics: __, ...common } = configuration(prefixes.east)
    return bench.write({ ...common, clusters })
  }

  beforeAll(async () => {
    kafka = await openKafka(superUser())
    file = several({ east: at(prefixes.east), west: at(prefixes.west), nowhere: at('nowhere', ['127.0.0.1:1']) })
    reeve = bench.start(file)
    for (const name of ['east', 'west'])
      await reeve.said(`it leads ${name}`, ({ cluster, msg }) => cluster === name && typeof msg === 'string' && msg.startsWith('leading'))
  }, 120_000)
  afterAll(async () => {
    await bench.close()
    const { topics } = await kafka.admin.scan({ atMs: 0 })
    for (const prefix of Object.values(prefixes))
      for (const name of names(reeveTopics(prefix))) if (topics.has(name)) await kafka.admin.deleteTopicById(topics.get(name)!.topicId)
    await kafka.close()
  })

  test('each is governed by itself, and one that cannot be reached keeps none from it', async () => {
    await reeve.said(
      'the third is named',
      ({ cluster, msg }) => cluster === 'nowhere' && typeof msg === 'string' && msg.startsWith('not governed, tried again')
    )
    const address = String(reeve.lines.find(({ http }) => typeof http === 'string')?.['http'])
    const ready = await fetch(`http://${address}/readyz`)
    expect(ready.status).toBe(200)
    const { clusters } = (await ready.json()) as { clusters: Record<string, { role: string }> }
    expect(Object.fromEntries(Object.entries(clusters).map(([name, { role }]) => [name, role]))).toEqual({
      east: 'leader',
      west: 'leader',
      nowhere: 'starting'
    })
    const metrics = await (await fetch(`http://${address}/metrics`)).text()
    for (const name of ['east', 'west']) expect(metrics).toContain(`reeve_leader{cluster="${name}"} 1`)
    expect(metrics).not.toContain('reeve_leader{cluster="nowhere"}')
  })

  test('what is said to one is not heard by the other', async () => {
    const unnamed = await speak(['--config', file, 'halt'])
    expect([unnamed.code, unnamed.err]).toEqual([2, expect.stringContaining('say which: --cluster east | west | nowhere')])
    const unknown = await speak(['--config', file, '--cluster', 'north', 'halt'])
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('no cluster "north"; there are: east | west | nowhere')])
    const halted = await speak(['--config', file, '--cluster', 'west', 'halt', '--why', 'a test'])
    expect(halted.code, halted.err).toBe(0)
    expect((await readTruth(kafka, prefixes.west)).state.get('halt')).toMatchObject({ why: 'a test' })
    expect((await readTruth(kafka, prefixes.east)).state.get('halt')).toBeUndefined()
  })

  test('two names for one cluster and one prefix would be two writers of one state: refused', async () => {
    const twice = several({ east: at(prefixes.east), again: at(prefixes.east) })
    const { code, err } = await speak(['--config', twice, 'run'])
    expect([code, err]).toEqual([3, expect.stringMatching(/clusters\.(again|east) is the cluster of clusters\.(again|east) .*same topics\.prefix/)])
  })
})
