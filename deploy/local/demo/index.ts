import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cli } from '#shared/cli/session.ts'
import { openSlackSink } from '../slack-sink.ts'
import { produceBacklog } from './backlog.ts'
import { cast, topics } from './cast.ts'
import { configurationEnvironment, configurationText } from './configuration.ts'
import { startConsumers, startTraffic } from './consumers.ts'
import { type Expectation, judge } from './expectations.ts'
import { prepareCluster, writeAppProperties } from './ground.ts'
import { Owners } from './owners.ts'
import { pictureOf } from './picture.ts'
import { Processes } from './processes.ts'
import { speak, startReeve } from './reeve.ts'
import { screenChange, screenText } from './screen.ts'
import type { Seen } from './seen.ts'
import { perform, screenOn, type Stage } from './stage.ts'
import { Watch } from './watch.ts'

export interface DemoOptions {
  /** Ends by itself once everything was judged. */
  readonly untilDone?: true | undefined
  readonly docker?: true | undefined
  /** File for an SVG of the screen while a group is paused. */
  readonly picture?: string | undefined
}

interface PlayOptions {
  readonly untilDone: boolean
  readonly picture: string | null
}

/** From the moment that all groups run; what did not happen by then is reported as not held. */
const boundMs = 200_000
const lookEveryMs = 1_000

/** `npm run demo`: a Kafka of its own, seven groups, and Reeve. Resolves with the exit code: 0 only if every expectation held. */
export function demo(cli: Cli, { untilDone, docker, picture }: DemoOptions): Promise<number> {
  const options = { untilDone: untilDone ?? false, picture: picture ?? null }
  return perform(cli, { untilDone: options.untilDone, docker: docker ?? false }, stage => play(cli, stage, options))
}

/** Builds the scene, then watches. Resolves with the judgement, or never. */
async function play(cli: Cli, { stack, closers, tell }: Stage, options: PlayOptions): Promise<readonly Expectation[]> {
  const startedAtMs = Date.now()
  const { description } = stack
  const folder = dirname(stack.file)
  const logs = join(folder, 'logs')
  const stop = new AbortController()
  const processes = new Processes(logs, pid => stack.adopt(pid))
  closers.push(
    () => processes.close(),
    () => stop.abort()
  )
  cli.err(`a Kafka of its own is up: ${description.brokers.join(', ')}; making topics, rights and a backlog`)

  await prepareCluster(description)
  const propertiesFile = await writeAppProperties(description, folder)
  const sink = await openSlackSink()
  closers.push(() => sink.close())
  const configFile = join(folder, 'reeve.yaml')
  await writeFile(configFile, configurationText())
  const environment = (user: string) => configurationEnvironment({ ...description, webhook: sink.webhook }, user, description.principals)
  const [reeve] = await Promise.all([
    startReeve(processes, configFile, environment('reeve-engine')),
    ...Object.values(topics).flatMap(topic => (topic.backlog > 0 ? [produceBacklog(description, processes, propertiesFile, topic)] : []))
  ])
  const door = { stack: description, processes, propertiesFile, signal: stop.signal }
  const traffic = await startTraffic(door)
  const consumers = startConsumers(door)
  const playsSinceMs = Date.now()
  cli.err(`all groups run, ${Math.round((playsSinceMs - startedAtMs) / 1000)} s after the cluster was up`)
  const watch = await Watch.open({ brokers: description.brokers, reeve, sink, logs, journal: 'reeve.journal' })
  closers.push(() => watch.close())
  const owners = new Owners({ watch, consumers, speak: words => speak(processes, configFile, environment('reeve-operator'), words) })
  const troubles = Promise.race([reeve.started, traffic, ...consumers.values()].map(started => processes.mustGoOn(started)))

  const messages = cli.width === undefined ? 3 : Math.min(10, Math.max(3, process.stdout.rows - 16))
  const show = screenOn(
    cli,
    (seen: Seen, width) => screenText(cast, seen, { width, startedAtMs, messages }),
    seen => screenChange(cast, seen)
  )
  let pictured = options.picture === null
  for (;;) {
    const seen = await Promise.race([watch.look(), troubles])
    owners.hear(cast, seen)
    show(seen)
    if (!pictured && seen.replies.length > 0) {
      await writeFile(options.picture!, pictureOf(screenText(cast, seen, { width: 140, startedAtMs, messages: 9 })))
      pictured = true
    }
    const judged = judge(cast, seen)
    tell(judged)
    if (options.untilDone && (judged.every(({ held }) => held) || seen.atMs - playsSinceMs >= boundMs)) return judged
    await Promise.race([sleep(lookEveryMs), troubles, owners.settled().then(() => sleep(lookEveryMs))])
  }
}
