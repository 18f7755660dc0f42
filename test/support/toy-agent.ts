import { z } from 'zod'
import { type AnyAgent, defineAgent, type Ports, type Snapshot } from '#shared/engine/agent.ts'

/** What a toy wants marked, by subject; `undo` wants the mark gone. */
export interface Wishes {
  mark: Set<string>
  undo: Set<string>
  tell: Set<string>
}

type Mark = { readonly kind: 'mark'; readonly subject: string }
const keyOf = (action: Mark) => `toy/mark/${action.subject}/0`

/** The least agent there is: it marks subjects in the control topic because a test wishes it. Memory counts its turns. */
export function toyAgent(wishes: Wishes): AnyAgent {
  const write = async (ports: Ports, action: Mark, state: string) => {
    await ports.appender.append([{ topic: ports.topics.control, partition: 0, key: Buffer.from(action.subject), value: Buffer.from(state) }])
    return { state }
  }
  return defineAgent<Record<string, never>, Snapshot & { standing: readonly string[] }, { turns: number }, Mark>({
    name: 'toy',
    about: 'Marks what a test wishes.',
    policy: z.object({}).strict(),
    rights: [],
    observe: async (_ports, { view, standing }) => ({ atMs: view.atMs, unseen: view.unseen, standing: standing.map(({ key }) => key) }),
    decide: ({ snapshot, memory }) => ({
      actions: [...wishes.mark].map(subject => ({ kind: 'mark' as const, subject })),
      undo: snapshot.standing.filter(key => [...wishes.undo].some(subject => key === keyOf({ kind: 'mark', subject }))).map(key => ({ key, why: 'wished' })),
      notices: [...wishes.tell].map(subject => ({
        key: `${subject}/told`,
        incident: subject,
        severity: 'warning' as const,
        resolved: false,
        team: null,
        channel: null,
        title: `about ${subject}`,
        why: ['a test wishes it'],
        sinceMs: 0,
        next: { what: 'nothing', atMs: null },
        answer: null
      })),
      memory: new Map([['turns', { turns: (memory.get('turns')?.turns ?? 0) + 1 }]]),
      verdicts: [...wishes.mark].map(subject => ({ subject, state: 'marked', why: 'wished', lagMessages: null, rules: [], facts: {} })),
      answered: []
    }),
    effects: {
      mark: {
        harm: 'pauses',
        key: keyOf,
        target: ({ subject }) => ({ id: subject, owner: null }),
        describe: ({ subject }) => `mark ${subject}`,
        apply: (ports, action) => write(ports, action, 'marked'),
        verify: async (ports, { subject }) => ((await ports.table(ports.topics.control)).get(subject)?.value.toString() === 'marked' ? 'done' : 'not-done'),
        undo: (ports, action) => write(ports, action, 'cleared')
      }
    }
  })
}
