/** One panel of the dashboard: what it asks of Prometheus and how it is drawn. */
export interface Panel {
  readonly title: string
  /** One sentence: what a person reads from it. */
  readonly about: string
  readonly kind: 'stat' | 'timeseries' | 'table'
  /** Grafana's name of the unit. */
  readonly unit: string
  readonly queries: readonly { readonly expression: string; readonly legend: string }[]
  readonly red?: { readonly from: number } | { readonly below: number }
  /** What it says where there is nothing, which is then no fault; without it an empty answer is one. */
  readonly empty?: string
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

/** The clusters that are chosen. */
export const here = '{cluster=~"$cluster"}'

export const one = (expression: string, legend: string): Panel['queries'] => [{ expression, legend }]
