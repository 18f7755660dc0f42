import { expect, test } from 'vitest'
import type { Rehearsal } from '#shared/engine/turn.ts'
import { explainText, planText } from '#shared/render/plan.ts'

/**
 * A group's name may hold control characters. The table escaped them, but the lines above it did not: `reeve plan` printed a notice's
 * title as it was, so that a group called "\u001b[31mred" painted the terminal of whoever read the plan. Seen once in a hundred runs, when
 * the plan was asked for in the very turn that would tell.
 */
test('no line of a plan or an explanation carries a control character out of a name', () => {
  const name = 'odd \u001b[31mred\u0007'
  const verdict = { subject: name, state: 'told', why: name, lagMessages: 1, rules: [{ rule: '1', held: true, because: name }], facts: { [name]: name } }
  const step = { key: name, describe: name, harm: 'pauses', undo: null }
  const rehearsal = {
    decision: { notices: [{ team: name, severity: 'page', title: name }], verdicts: [verdict] },
    plan: { checksum: 'c', steps: [step] },
    judged: { permitted: [step], refused: [{ step, because: name, approvable: false }] },
    look: { seen: { sequence: 1, atMs: 0 }, observed: { view: { unseen: [{ kind: 'group', id: name, why: name }] } } }
  } as unknown as Rehearsal
  for (const text of [planText('agent', rehearsal), explainText(verdict)]) {
    expect(text).toContain('red')
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/)
  }
})
