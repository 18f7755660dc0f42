import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { programAt } from '#test/support/programs.ts'

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}
interface Checked {
  readonly alertname: string
  readonly exp_alerts: readonly unknown[]
}

const folder = import.meta.dirname
const read = (file: string): unknown => parse(readFileSync(join(folder, file), 'utf8'), { maxAliasCount: 100 })
const groupsOf = (file: string) => (read(file) as { groups: { name: string; rules: Rule[] }[] }).groups
const rulesOf = (file: string) => groupsOf(file).flatMap(({ rules }) => rules)
const alerts = rulesOf('alerts.yaml')
const testFiles = readdirSync(join(folder, 'tests')).map(file => `tests/${file}`)

test('every alert says how much it hurts, what is the matter in one line, and where its page is', () => {
  for (const { alert, labels, annotations } of alerts) {
    expect(['page', 'ticket', 'none'], alert).toContain(labels?.['severity'])
    expect(annotations?.['summary'], alert).toMatch(/\.$/)
    expect(annotations?.['runbook'], alert).toBe(`deploy/runbooks/${alert}.md`)
  }
})

test('every alert has a page of its own, and every page an alert', () => {
  const pages = readdirSync(join(folder, '../runbooks'))
  expect(pages.toSorted()).toEqual(alerts.map(({ alert }) => `${alert}.md`).toSorted())
  for (const page of pages) {
    const text = readFileSync(join(folder, '../runbooks', page), 'utf8')
    for (const [, target] of text.matchAll(/\]\((\w+\.md)\)/g)) expect(pages, page).toContain(target)
    expect(text).toMatch(/## Look\n\n- [\s\S]*\n## Do\n\n- /)
  }
})

test('every alert is shown firing, and all but the one that always fires are shown silent', () => {
  const checks = testFiles.flatMap(file => (read(file) as { tests: { alert_rule_test?: Checked[] }[] }).tests.flatMap(each => each.alert_rule_test ?? []))
  const shown = (fires: boolean) => new Set(checks.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname))
  const names = alerts.map(({ alert }) => alert!)
  expect([...shown(true)].toSorted()).toEqual(names.toSorted())
  expect([...shown(false)].toSorted()).toEqual(names.filter(name => name !== 'Watchdog').toSorted())
})

test('no burn is out of reach: its factor times the budget is less than everything', () => {
  const budgets = rulesOf('rules.yaml').filter(({ record }) => record === 'reeve:slo_budget:ratio')
  expect(budgets.map(({ labels }) => labels?.['slo'])).toEqual(['turns', 'notices', 'scan'])
  const factors = alerts.flatMap(({ expr }) => [...expr.matchAll(/\(([\d.]+) \* reeve:slo_budget:ratio\)/g)].map(([, factor]) => Number(factor)))
  expect(factors).toEqual([14.4, 14.4, 6, 6, 3, 3, 1, 1])
  for (const { expr } of budgets) for (const factor of factors) expect(factor * Number(/^vector\(([\d.]+)\)$/.exec(expr)?.[1])).toBeLessThan(1)
})

test('a window is divided by no fewer slices than it holds at one in 30 s', () => {
  const seconds = { m: 60, h: 3_600, d: 86_400 }
  const windows = rulesOf('rules.yaml').filter(({ record }) => record?.startsWith('reeve:slo_bad:ratio_'))
  expect(windows).toHaveLength(8)
  for (const { record, expr } of windows) {
    const [, window, count, unit] = /_((\d+)([mhd]))$/.exec(record!)!
    const slices = (Number(count) * seconds[unit as keyof typeof seconds]) / 30
    expect(expr).toBe(`sum_over_time(reeve:slo_bad:slice[${window}]) / clamp_min(count_over_time(reeve:slo_bad:slice[${window}]), ${slices})`)
  }
})

test('the tests evaluate the groups in the order in which they feed each other', () => {
  for (const file of testFiles) {
    const { rule_files, group_eval_order } = read(file) as { rule_files: string[]; group_eval_order: string[] }
    expect(group_eval_order, file).toEqual(rule_files.flatMap(name => groupsOf(name.replace('../', '')).map(({ name: group }) => group)))
  }
})

test('promtool finds rules and configuration sound, and every test of theirs holds', context => {
  const promtool = programAt('promtool', 'prometheus')
  if (promtool === null) {
    context.skip('promtool is missing')
    return
  }
  for (const words of [
    ['check', 'rules', 'rules.yaml', 'alerts.yaml'],
    ['check', 'config', 'prometheus.yaml'],
    ['test', 'rules', ...testFiles]
  ]) {
    const { status, stdout, stderr } = spawnSync(promtool, words, { cwd: folder, encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  }
})
