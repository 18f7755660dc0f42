import { hostname, userInfo } from 'node:os'
import type { PersonRequest, Standing } from '../engine/agent.ts'
import { type Answer, ask } from '../engine/ask.ts'
import { standingOf } from '../engine/look.ts'
import { newRequest } from '../engine/requests.ts'
import { withState } from './reading.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { Cli, Session } from './session.ts'

/** Says it as whoever runs this command: a claim, that nothing proves. */
export function say(cli: Cli, session: Session, kind: PersonRequest['kind'], subject: string, why: string, waitMs: number, forMs?: number): Promise<Answer> {
  const request = newRequest(kind, subject, whoRunsThis(), why, Date.now(), forMs)
  return ask(session.kafka, session.topics, request, waitMs, cli.signal)
}

/** Ends the command with what came of a request. */
export function report(cli: Cli, { request, entries, refused }: Answer, json: boolean): void {
  if (refused !== null) throw new CommandFailure(exitCodes.failed, `refused: ${refused}`)
  if (entries.length === 0)
    throw new CommandFailure(exitCodes.unanswered, `written as ${request.id}, but no replica took it up yet: it counts as soon as one leads (reeve run)`)
  if (json) cli.out(JSON.stringify({ request, entries }))
  else for (const { what } of entries) cli.out(what)
}

/** Waits until nothing stands any more; tells what is given back as it happens. Returns what still stands at the end. */
export async function waitUntilNothingStands(cli: Cli, session: Session, waitMs: number, onGivenBack: (standing: Standing) => void): Promise<Standing[]> {
  return withState(session, async store => {
    const deadline = performance.now() + waitMs
    let before = standingOf(store, null)
    while (before.length > 0 && performance.now() < deadline && !cli.signal.aborted) {
      await store.follow(500, cli.signal)
      const now = standingOf(store, null)
      const keys = new Set(now.map(({ key }) => key))
      for (const standing of before) if (!keys.has(standing.key)) onGivenBack(standing)
      before = now
    }
    return before
  })
}

/** A container's user often has no name, and the kill switch must not fail for that. */
function whoRunsThis(): string {
  try {
    return `${userInfo().username}@${hostname()}`
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error
    return `uid-${process.getuid?.() ?? 'unknown'}@${hostname()}`
  }
}
