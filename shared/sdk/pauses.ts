export type TopicPartitions = { topic: string; partitions?: number[] }

/** What kafkajs and its look-alikes have in common. */
export interface PausableConsumer {
  pause(topicPartitions: TopicPartitions[]): unknown
  resume(topicPartitions: TopicPartitions[]): unknown
  run(config?: object): Promise<void>
}

interface Place {
  readonly topic: string
  readonly partition: number
}
type MessagePayload = Place & { pause(): () => void }
type BatchPayload = { readonly batch: Place; pause(): () => void }
interface RunConfig {
  readonly eachMessage?: (payload: MessagePayload) => unknown
  readonly eachBatch?: (payload: BatchPayload) => unknown
}

export interface Pauses {
  /**
   * The assignment of a join. Applies both the owner's pauses and Reeve's to it, before this returns. `isNew`: a client may have
   * forgotten that it was told to pause this one.
   */
  assign(assignment: Readonly<Record<string, readonly number[]>>, isNew?: (topic: string, partition: number) => boolean): void
  /** What Reeve's commands say of a partition; applied before this returns. */
  command(isPaused: (topic: string, partition: number) => boolean): void
  /** Assigned partitions that a command holds, `topic-partition`. */
  held(): readonly string[]
  /** Whether there are assigned partitions, and all of them are paused, by whomever. */
  holdsAll(): boolean
  /** The consumer has stopped: it forgets its pauses then, the owner's too, and so does this. */
  forget(): void
}

/**
 * Takes over `pause`, `resume` and `run` of one consumer, so that the owner's pauses and Reeve's do not undo each other:
 * a partition reads only when neither holds it. The owner's calls keep their meaning and their errors.
 *
 * kafkajs is only ever told of single partitions. Pausing one partition ends its pause of the whole topic, which would let go of
 * what the owner paused; and a pause outlives the loss of its partition, which would hold it for ever once it is back.
 */
export function takeOverPauses(consumer: PausableConsumer): Pauses {
  const original = {
    pause: consumer.pause.bind(consumer),
    resume: consumer.resume.bind(consumer),
    run: consumer.run.bind(consumer)
  }
  const owner = new Map<string, { all: boolean; paused: Set<number>; resumed: Set<number> }>()
  /** Partitions that kafkajs has been told to pause. */
  const applied = new Map<string, Set<number>>()
  let assigned = new Map<string, readonly number[]>()
  let commanded: (topic: string, partition: number) => boolean = () => false
  let runs = 0

  const ownerPaused = (topic: string, partition: number): boolean => {
    const state = owner.get(topic)
    return state !== undefined && ((state.all && !state.resumed.has(partition)) || state.paused.has(partition))
  }
  const ownerState = (topic: string) => {
    const state = owner.get(topic) ?? { all: false, paused: new Set<number>(), resumed: new Set<number>() }
    owner.set(topic, state)
    return state
  }
  const explicit = (each: TopicPartitions): TopicPartitions =>
    each?.topic && each.partitions === undefined
      ? { topic: each.topic, partitions: [...(assigned.get(each.topic) ?? []), ...(applied.get(each.topic) ?? [])] }
      : each

  const noteOwnerPause = (topicPartitions: readonly TopicPartitions[]): void => {
    for (const { topic, partitions } of topicPartitions) {
      const state = ownerState(topic)
      state.all = partitions === undefined
      if (partitions === undefined) {
        state.paused.clear()
        state.resumed.clear()
      }
      for (const partition of partitions ?? []) {
        state.paused.add(partition)
        state.resumed.delete(partition)
      }
    }
  }
  const noteOwnerResume = (topicPartitions: readonly TopicPartitions[]): void => {
    for (const { topic, partitions } of topicPartitions) {
      if (partitions === undefined) owner.delete(topic)
      for (const partition of partitions ?? []) {
        const state = ownerState(topic)
        state.paused.delete(partition)
        if (state.all) state.resumed.add(partition)
      }
    }
  }
  const noteApplied = (topicPartitions: readonly TopicPartitions[], paused: boolean): void => {
    for (const { topic, partitions = [] } of topicPartitions) {
      const known = applied.get(topic) ?? new Set()
      applied.set(topic, known)
      for (const partition of partitions) {
        if (paused) known.add(partition)
        else known.delete(partition)
      }
    }
  }

  const reconcile = (isNew: (topic: string, partition: number) => boolean = () => false): void => {
    const pause: TopicPartitions[] = []
    const resume: TopicPartitions[] = []
    for (const [topic, partitions] of assigned) {
      const known = applied.get(topic) ?? new Set()
      const wanted = new Set(partitions.filter(partition => ownerPaused(topic, partition) || commanded(topic, partition)))
      const toPause = [...wanted].filter(partition => !known.has(partition) || isNew(topic, partition))
      const toResume = [...known].filter(partition => !wanted.has(partition))
      if (toPause.length > 0) pause.push({ topic, partitions: toPause })
      if (toResume.length > 0) resume.push({ topic, partitions: toResume })
    }
    if (pause.length > 0) original.pause(pause)
    noteApplied(pause, true)
    if (resume.length > 0) original.resume(resume)
    noteApplied(resume, false)
  }

  // kafkajs takes a call without arguments too, whatever its types say.
  // oxlint-disable-next-line no-useless-default-assignment
  consumer.pause = (topicPartitions = []) => {
    const each = topicPartitions.map(explicit)
    original.pause(each)
    noteApplied(each, true)
    noteOwnerPause(topicPartitions)
    reconcile()
    return () => void consumer.resume(topicPartitions)
  }
  // kafkajs takes a call without arguments too, whatever its types say.
  // oxlint-disable-next-line no-useless-default-assignment
  consumer.resume = (topicPartitions = []) => {
    const each = topicPartitions.map(explicit)
    original.resume(each)
    noteApplied(each, false)
    noteOwnerResume(topicPartitions)
    // In the same turn of the event loop, so that no fetch starts in between.
    reconcile()
  }

  const withPause = <Payload extends { pause(): () => void }>(payload: Payload, topic: string, partition: number): Payload => ({
    ...payload,
    pause: () => {
      const one = [{ topic, partitions: [partition] }]
      const run = runs
      const release = payload.pause()
      noteApplied(one, true)
      noteOwnerPause(one)
      return () => {
        release()
        if (run !== runs) return
        noteApplied(one, false)
        noteOwnerResume(one)
        reconcile()
      }
    }
  })
  const run = (config: RunConfig = {}): Promise<void> => {
    const { eachMessage, eachBatch } = config
    return original.run({
      ...config,
      ...(eachMessage && { eachMessage: (payload: MessagePayload) => eachMessage(withPause(payload, payload.topic, payload.partition)) }),
      ...(eachBatch && { eachBatch: (payload: BatchPayload) => eachBatch(withPause(payload, payload.batch.topic, payload.batch.partition)) })
    })
  }
  consumer.run = run

  return {
    assign(assignment, isNew) {
      assigned = new Map(Object.entries(assignment))
      reconcile(isNew)
    },
    command(isPaused) {
      commanded = isPaused
      reconcile()
    },
    held: () =>
      [...assigned].flatMap(([topic, partitions]) => partitions.filter(partition => commanded(topic, partition)).map(partition => `${topic}-${partition}`)),
    holdsAll: () => assigned.size > 0 && [...assigned].every(([topic, partitions]) => partitions.every(partition => applied.get(topic)?.has(partition))),
    forget() {
      runs++
      owner.clear()
      applied.clear()
      assigned = new Map()
    }
  }
}
