import type { Queue } from 'bullmq'
import type { HeldSchedule } from './schedules.ts'

/** The schedules that Redis holds now, each with the tick that waits for it. */
export async function heldSchedules(queue: Queue): Promise<readonly HeldSchedule[]> {
  const schedulers = await queue.getJobSchedulers(0, -1, true)
  return Promise.all(
    schedulers.map(async ({ key, every, next }) => {
      const tick = next === undefined ? undefined : await queue.getJob(`repeat:${key}:${next}`)
      // A tick that has just run is gone while its successor is not in this reading yet: look again before calling it missing.
      const later = tick ? undefined : await queue.getJobScheduler(key)
      const nextMs = tick ? next : later?.next !== next ? later?.next : undefined
      return { name: key, everyMs: every ?? null, nextMs: nextMs ?? null }
    })
  )
}
