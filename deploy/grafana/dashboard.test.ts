import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { streams } from '#agents/catalogue.ts'
import { openMetrics } from '#shared/telemetry/metrics.ts'
import { currentDashboard, dashboardFile } from './dashboard.ts'
import { rows } from './rows.ts'

interface Drawn {
  readonly id: number
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}

test('the checked-in dashboard is current: else run `node deploy/grafana/dashboard.ts`', () => {
  expect(readFileSync(dashboardFile, 'utf8')).toBe(currentDashboard())
})

test('no two panels have one id or lie over each other, and none leaves the grid', () => {
  const { panels } = JSON.parse(currentDashboard()) as { panels: Drawn[] }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  for (const [index, { gridPos: a }] of panels.entries()) {
    expect(a.x + a.w).toBeLessThanOrEqual(24)
    for (const { gridPos: b } of panels.slice(index + 1))
      expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h, JSON.stringify([a, b])).toBe(false)
  }
})

test('every metric that the dashboard asks for, Reeve or its rules bring', async () => {
  const telemetry = openMetrics()
  for (const { name, measures = [] } of streams) telemetry.cluster('any').stream({ name, leaseMs: 1, measures })
  const metrics = await telemetry.text()
  const rules = readFileSync(new URL('../prometheus/rules.yaml', import.meta.url), 'utf8')
  const known = (name: string) => metrics.includes(`# TYPE ${name.replace(/_bucket$/, '')} `) || rules.includes(`record: ${name}\n`)
  for (const { expression } of rows.flatMap(({ panels }) => panels).flatMap(({ queries }) => queries))
    for (const name of expression.match(/\b(?:cluster\w*:)?reeve[_:][\w:]+/g) ?? []) expect(known(name), name).toBe(true)
})
