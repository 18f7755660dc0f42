import type { PersonRequest } from '../engine/agent.ts'
import { durationOf, type AddCommand } from './command.ts'
import { report, say } from './people.ts'
import { releaseAll } from './release.ts'
import { withSession } from './session.ts'

/** What people say to a running Reeve: each is written into the requests topic, and counts as soon as a replica leads. */
export const addAsking: AddCommand = (reeve, { cli, global, json }) => {
  const speak = (kind: PersonRequest['kind'], subject: string, why: string, wait: string, holds?: string) => {
    const waitMs = durationOf('--wait', wait)
    const forMs = holds === undefined ? undefined : durationOf('--for', holds)
    return withSession(cli, global(), async session => report(cli, await say(cli, session, kind, subject, why, waitMs, forMs), json()))
  }
  const asking = (name: string, description: string) =>
    reeve
      .command(name)
      .description(description)
      .option('--why <sentence>', 'for the journal', 'no reason was given')
      .option('--wait <duration>', 'how long to wait for a replica to take it up', '30s')

  asking('resume', 'Give a paused group back now; it is watched for a while.')
    .argument('<group>')
    .option('--fixed', 'as its owner: the reason is gone')
    .action((group, { why, wait, fixed }) => speak(fixed ? 'fixed' : 'resume', group, why, wait))
  asking('undo', 'Undo one action that stands, by its key.')
    .argument('<key>')
    .action((key, { why, wait }) => speak('undo', key, why, wait))
  asking('approve', 'Approve a plan that exceeded its caps, by its checksum.')
    .argument('<checksum>')
    .action((checksum, { why, wait }) => speak('approve', checksum, why, wait))
  asking('halt', 'The kill switch: nothing is paused or deleted any more; giving back goes on. Needs no Redis.')
    .option('--lift', 'go on')
    .action(({ why, wait, lift }) => speak(lift ? 'unhalt' : 'halt', '', why, wait))
  asking('maintenance', 'The cluster is worked on: judgement is suspended, nobody is told and nothing is paused; giving back goes on.')
    .option('--for <duration>', 'how long at most', '1h')
    .option('--over', 'it is done')
    .action(({ why, wait, for: holds, over }) => speak(over ? 'maintenance-over' : 'maintenance', '', why, wait, over ? undefined : holds))
  asking('snooze', "Hold back an incident's notices of trouble for a while; its messages name the incident.")
    .argument('<incident>')
    .option('--for <duration>', 'how long', '1h')
    .action((incident, { why, wait, for: holds }) => speak('snooze', incident, why, wait, holds))
  asking('appeal', 'Object: nothing new that harms is done to it until somebody answers, and the platform is told.')
    .argument('<subject>')
    .option('--for <duration>', 'how long at most', '24h')
    .option('--dismiss', 'answer an appeal')
    .action((subject, { why, wait, for: holds, dismiss }) => speak(dismiss ? 'dismiss' : 'appeal', subject, why, wait, holds))
  asking('release', 'Give back everything, and halt; before an uninstall.')
    .requiredOption('--all', 'everything')
    .action(({ why, wait }) => {
      const waitMs = Math.max(60_000, durationOf('--wait', wait))
      return withSession(cli, global(), session => releaseAll(cli, session, why, waitMs, json()))
    })
}
