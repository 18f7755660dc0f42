import type { Consumer } from 'kafkajs'
import type { SdkLog } from './log.ts'

/** A delay that an owner may be left with unasked. */
const bearableMs = 1_000

interface Slow {
  readonly groupId: string
  readonly log: SdkLog
}

/**
 * Says that a consumer resumes late, if it does: while every partition is paused kafkajs sends no fetch but sleeps for `maxWaitTimeInMs`,
 * which no call of its API ends. Returns whether it was said.
 */
export function tellSlowResume({ groupId, log }: Slow, maxWaitTimeInMs: number): boolean {
  if (maxWaitTimeInMs < bearableMs) return false
  const late = `once it is given back, this consumer reads on up to ${maxWaitTimeInMs} ms late: give kafka.consumer a maxWaitTimeInMs of 500`
  log.warn({ groupId, maxWaitTimeInMs }, late)
  return true
}

/** Says it once of a consumer whose configuration is not known, as soon as a pause shows it: the sleep is told as the duration of a fetch. */
export function watchSlowResume(consumer: Consumer, { holdsAll, ...slow }: Slow & { holdsAll(): boolean }): void {
  let heldFromMs: number | null = null
  const stopListening = [
    consumer.on(consumer.events.FETCH_START, () => {
      heldFromMs = holdsAll() ? (heldFromMs ?? performance.now()) : null
    }),
    consumer.on(consumer.events.FETCH, ({ payload: { duration } }) => {
      if (heldFromMs === null || performance.now() - heldFromMs < duration) return
      if (tellSlowResume(slow, duration)) for (const stop of stopListening) stop()
    })
  ]
}
