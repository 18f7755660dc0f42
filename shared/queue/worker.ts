import { setTimeout } from 'node:timers/promises'
import { UnrecoverableError, Worker, type Job } from 'bullmq'
import type { Log } from '../telemetry/log.ts'
import { openWorkerRedis, redisErrorText, type RedisTarget } from './redis.ts'

export interface TurnWorkerOptions extends RedisTarget {
  readonly prefix: string
  readonly queueName: string
  readonly concurrency: number
  readonly log: Log
  /** A schedule's tick: puts the turn of that name into the queue. */
  onTick(name: string): Promise<void>
  onTurn(name: string, jobId: string): Promise<void>
}

export interface TurnWorker {
  /** Takes no further job, and drops the connections once the running ones are done or `idle` has settled. Never throws. */
  close(idle: Promise<unknown>): Promise<void>
}

// The lock of a killed process is swept after at most the lock and two sweeps; until then asks for its name only collapse.
const lockMs = 10_000
const sweepMs = 5_000
const farewellMs = 1_000

/** Takes jobs from Redis. A turn that failed or stalled is never repeated by the queue: the next tick looks at the world anew. */
export function openTurnWorker(options: TurnWorkerOptions): TurnWorker {
  const redis = openWorkerRedis(options, `${options.prefix}-worker`)
  const quiet = (error: unknown) => options.log.debug({ reason: redisErrorText(error) }, 'the worker reported an error')
  redis.on('error', quiet)
  const worker = new Worker(
    options.queueName,
    async (job: Job) => {
      try {
        // A tick only asks: the pending tick of a schedule must not hold the name, or an ask would wait for it.
        if (job.repeatJobKey) await options.onTick(job.name)
        else await options.onTurn(job.name, job.id!)
      } catch (error) {
        throw new UnrecoverableError(error instanceof Error ? error.message : String(error))
      }
    },
    {
      connection: redis,
      prefix: options.prefix,
      concurrency: options.concurrency,
      lockDuration: lockMs,
      stalledInterval: sweepMs,
      maxStalledCount: 0,
      drainDelay: 2,
      runRetryDelay: 1_000,
      removeOnComplete: { count: 100, age: 3_600 },
      removeOnFail: { count: 100, age: 86_400 }
    }
  )
  worker.on('error', quiet)
  worker.on('failed', (job, error) => options.log.debug({ name: job?.name, jobId: job?.id, reason: error.message }, 'a job failed'))
  worker.on('stalled', jobId => options.log.warn({ jobId }, 'a turn lost its lock: its process died or was blocked'))
  return {
    async close(idle) {
      // Without Redis the close itself would wait for ever.
      await Promise.race([worker.close().catch(quiet), idle.then(() => setTimeout(farewellMs))])
      redis.disconnect()
    }
  }
}
