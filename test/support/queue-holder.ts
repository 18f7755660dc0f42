import { openQueue } from '#shared/queue/queue.ts'

/** A process that takes a turn and never ends it, for a test to kill. */
const nothing = () => undefined
openQueue({
  redisUrl: process.argv[2]!,
  prefix: 'test',
  concurrency: 1,
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  async onTurn() {
    process.stdout.write('busy\n')
    await new Promise(nothing)
  }
}).lead([{ name: 'guardian', everyMs: 2_000 }])
