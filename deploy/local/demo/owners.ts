import { setTimeout as sleep } from 'node:timers/promises'
import { type Player } from './cast.ts'
import { standMs } from './expectations.ts'
import type { Started } from './processes.ts'
import type { Spoken } from './reeve.ts'
import { messagesAbout, type Seen } from './seen.ts'
import type { Watch } from './watch.ts'

export interface OwnerParts {
  readonly watch: Watch
  readonly consumers: ReadonlyMap<string, Started>
  /** Runs a command of `reeve` to its end. */
  readonly speak: (words: readonly string[]) => Promise<Spoken>
}

/** An owner leaves a paused group alone for so long, so that everybody can see that its commits stand. */
const thinkMs = standMs + 2_000

/** Plays the owners of paused groups: once the message says that a pause holds, each repairs his consumer and answers with the message's command. */
export class Owners {
  readonly #parts: OwnerParts
  readonly #busy = new Map<string, Promise<void>>()

  constructor(parts: OwnerParts) {
    this.#parts = parts
  }

  /** To be called after each look. */
  hear(players: readonly Player[], seen: Seen): void {
    for (const { groupId, fate } of players) {
      if (fate !== 'paused' || this.#busy.has(groupId)) continue
      const message = messagesAbout(seen, groupId).find(({ title }) => /holds/.test(title))
      const words = message && answerIn(message.text)
      if (words && seen.atMs - message.atMs >= thinkMs) this.#busy.set(groupId, this.#repair(groupId, words))
    }
  }

  /** Rejects as soon as one of them fails at what he does. */
  async settled(): Promise<void> {
    await Promise.all(this.#busy.values())
  }

  async #repair(groupId: string, words: readonly string[]): Promise<void> {
    const { watch, consumers, speak } = this.#parts
    const repairedAtMs = Date.now()
    const command = `reeve ${words.join(' ')}`
    watch.noteReply({ groupId, repairedAtMs, command, exitCode: null, output: '' })
    consumers.get(groupId)?.say('fixed')
    await sleep(500)
    watch.noteReply({ groupId, repairedAtMs, command, ...(await speak([...words, '--why', 'the cause is repaired'])) })
  }
}

/** The words after `reeve` of the command that a message offers as the answer, said as the owner; null where it offers none. */
export function answerIn(text: string): readonly string[] | null {
  const group = /\breeve resume ([\w.@%+:,-]+)/.exec(text)?.[1]
  return group === undefined ? null : ['resume', group, '--fixed']
}
