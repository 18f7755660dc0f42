import type { Metrics } from '../telemetry/metrics.ts'
import { json, type Route } from './route.ts'

export interface TelemetryOptions {
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>
  /** The state of each cluster, for /readyz: plain JSON. One is ready when it is led or stood by. */
  clusters(): Readonly<Record<string, { readonly role: string } & object>>
}

/** For machines: /metrics, /healthz (this process answers), /readyz (what each part says; 503 while no cluster is led or stood by). */
export function telemetryRoutes({ metrics, clusters }: TelemetryOptions): readonly Route[] {
  return [
    { path: '/metrics', GET: async () => ({ status: 200, type: metrics.contentType, body: await metrics.text() }) },
    { path: '/healthz', GET: () => json(200, { alive: true }) },
    {
      path: '/readyz',
      GET() {
        const state = clusters()
        // One of several that cannot be reached must not take the others' port out of service.
        const ready = Object.values(state).some(({ role }) => role === 'leader' || role === 'standby')
        return json(ready ? 200 : 503, { ready, clusters: state })
      }
    }
  ]
}
