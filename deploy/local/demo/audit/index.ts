import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { originOf } from '#shared/audit-log/place.ts'
import type { Cli } from '#shared/cli/session.ts'
import type { Expectation } from '../expectations.ts'
import { Processes, type Started } from '../processes.ts'
import { type Spoken, speak, startReeve } from '../reeve.ts'
import { perform, screenOn, type Stage } from '../stage.ts'
import { auditTopic, configurationEnvironment, configurationText, filesIn } from './configuration.ts'
import { judge } from './expectations.ts'
import { prepareCluster, setAuthorizerLevel } from './ground.ts'
import { prove } from './proofs.ts'
import { screenChange, screenText } from './screen.ts'
import type { Seen } from './seen.ts'
import { playStory } from './story.ts'
import { Watch } from './watch.ts'

export interface AuditSceneOptions {
  /** Ends by itself once everything was judged. */
  readonly untilDone?: true | undefined
}

/** From the first act; what did not happen by then is reported as not held. */
const boundMs = 200_000
const lookEveryMs = 500
const prefix = 'reeve.audit'

/** `npm run demo -- --scene audit`: a Kafka of its own, what is done to it, and the log that says so. Resolves with the exit code: 0 only if every expectation held. */
export function auditScene(cli: Cli, { untilDone }: AuditSceneOptions): Promise<number> {
  return perform(cli, { untilDone: untilDone ?? false, docker: false }, stage => play(cli, stage, untilDone ?? false))
}

/** Builds the scene, then watches. Resolves with the judgement, or never. */
async function play(cli: Cli, { stack, closers, tell }: Stage, untilDone: boolean): Promise<readonly Expectation[]> {
  const startedAtMs = Date.now()
  const { description } = stack
  if (description.nodes.length === 0) throw new Error("the scene reads the brokers' logs as files: it needs Java 17 or later and Maven, not containers")
  const folder = dirname(stack.file)
  const processes = new Processes(description.logs, pid => stack.adopt(pid))
  const stop = new AbortController()
  closers.push(
    () => processes.close(),
    () => stop.abort()
  )
  cli.err(`a Kafka of its own is up: ${description.brokers.join(', ')}; granting rights, and making the authorizers say what they allow`)

  const clusterId = await prepareCluster(description)
  await setAuthorizerLevel(description, 'DEBUG')
  const files = filesIn(folder)
  await mkdir(files.anchor)
  await writeFile(files.hashKey, randomBytes(32).toString('hex'), { mode: 0o600 })
  const configFile = `${folder}/audit.yaml`
  await writeFile(configFile, configurationText(description, files))
  const environment = configurationEnvironment(description)
  // Behind the end nothing is started any more.
  const say = (words: readonly string[]): Promise<Spoken> => (stop.signal.aborted ? new Promise(() => {}) : speak(processes, configFile, environment, words))
  const vkey = await makeKey(say, files.key, `${prefix}/${clusterId}`)
  const { started } = await startReeve(processes, configFile, environment, ['stream', 'audit-mirror'])
  const origin = originOf({ prefix, clusterId, topic: auditTopic, partition: 0 })
  const watch = await Watch.open({ brokers: description.brokers, origin, anchor: files.anchor, logs: description.logs })
  closers.push(() => watch.close())
  const playsSinceMs = Date.now()
  cli.err(`the mirror writes, ${Math.round((playsSinceMs - startedAtMs) / 1000)} s after the cluster was up`)

  const mirror = stoppable(processes, started)
  async function playAll(): Promise<void> {
    await watch.until(({ checkpointed }) => checkpointed > 0)
    await playStory(description, watch)
    await mirror.stop()
    // What it wrote last is part of it.
    const seen = await watch.until(() => true)
    await prove({ watch, seen, folder, anchor: files.anchor, vkey, speak: say })
  }
  const troubles = Promise.race([mirror.died, playAll().then(() => new Promise<never>(() => {}))])

  const show = screenOn(cli, (seen: Seen, width) => screenText(seen, { width, startedAtMs }), screenChange)
  for (;;) {
    const seen = await Promise.race([watch.look(), troubles])
    show(seen)
    const judged = judge(seen)
    tell(judged)
    if (untilDone && (judged.every(({ held }) => held) || seen.atMs - playsSinceMs >= boundMs)) return judged
    await Promise.race([sleep(lookEveryMs), troubles])
  }
}

/** Makes a key as an operator would. Returns the verifier key, which is to be known from outside of the log. */
async function makeKey(say: (words: readonly string[]) => Promise<Spoken>, file: string, name: string): Promise<string> {
  const { exitCode, output } = await say(['audit', 'keygen', file, '--name', name])
  if (exitCode !== 0) throw new Error(`reeve audit keygen ended with ${exitCode}`)
  return output.trim()
}

interface Stoppable {
  /** Rejects when it ends by itself. */
  readonly died: Promise<never>
  stop(): Promise<void>
}

function stoppable(processes: Processes, started: Started): Stoppable {
  let stopping = false
  const died = processes.mustGoOn(started).catch((error: unknown) => {
    if (stopping) return new Promise<never>(() => {})
    throw error
  })
  return {
    died,
    async stop() {
      stopping = true
      started.process.kill('SIGTERM')
      await started.ended
    }
  }
}
