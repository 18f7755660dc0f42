import type { API } from '@platformatic/kafka'
import { Cluster, type Target } from '#shared/kafka/cluster.ts'
import { KafkaFault } from '#shared/kafka/errors.ts'

export type Loss = 'none' | 'request' | 'answer'

/**
 * A real cluster behind a network that loses what a test says. A lost request never arrives; a lost answer belongs to a request
 * that was served. The one who asked sees the same time-out in both cases.
 */
export class LossyCluster extends Cluster {
  /** Called before each request with its API key; what it awaits holds the request back. */
  lose: (apiKey: number) => Loss | Promise<Loss> = () => 'none'

  /** How often something of each API was lost. */
  readonly lost = new Map<number, number>()

  override async request<Arguments extends unknown[], Response>(target: Target, api: API<Arguments, Response>, ...args: Arguments): Promise<Response> {
    const loss = await this.lose(api.key)
    const answer = loss === 'request' ? undefined : await super.request(target, api, ...args)
    if (loss === 'none') return answer as Response
    this.lost.set(api.key, (this.lost.get(api.key) ?? 0) + 1)
    throw new KafkaFault('timeout', `request timed out (lost ${loss} of API ${api.key})`, { retriable: true, outcome: 'unknown' })
  }
}
