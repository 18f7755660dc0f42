import { z } from 'zod'
import { defineStream } from '#shared/engine/stream.ts'

/** Copies even numbers from one topic to another, exactly once; remembers where it stands and how many odd ones it met. */
export const toyStream = defineStream({
  name: 'toy-stream',
  about: 'Copies even numbers.',
  policy: z.strictObject({ from: z.string().default('in'), to: z.string().default('out') }),
  rights: () => [],
  async sink({ kafka }, { to }) {
    const appender = await kafka.openAppender(`toy-${to}`)
    await appender.fence()
    return {
      async write(outputs: readonly number[], also, durable) {
        await appender.append([...outputs.map(value => ({ topic: to, partition: 0, key: null, value: Buffer.from(String(value)) })), ...also])
        durable?.()
      },
      flush: async () => {},
      close: () => appender.close()
    }
  },
  async source({ kafka }, { from }, remembered) {
    const reader = await kafka.openReader()
    await reader.assign(from, 0, (remembered.get('position') as number | undefined) ?? 'start')
    return {
      ids: [from],
      async next(maxWaitMs) {
        const fetched = await reader.poll({ maxWaitMs })
        return fetched.flatMap(({ records }) => records.map(({ offset, value }) => ({ offset, number: Number(value!.toString()) })))
      },
      close: () => reader.close()
    }
  },
  transform(_about, _policy, remembered) {
    let odd = (remembered.get('odd') as number | undefined) ?? 0
    return {
      step(inputs: readonly { offset: number; number: number }[]) {
        const outputs = inputs.map(({ number }) => number).filter(number => number % 2 === 0)
        odd += inputs.length - outputs.length
        return { outputs, remember: inputs.length === 0 ? new Map() : new Map([['position', inputs.at(-1)!.offset + 1] as const, ['odd', odd] as const]) }
      }
    }
  }
})
