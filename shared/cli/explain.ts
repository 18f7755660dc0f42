import { Argument } from '@commander-js/extra-typings'
import { explainText } from '../render/plan.ts'
import type { AddCommand } from './command.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { journal } from './journal.ts'
import { rehearseAll } from './reading.ts'
import { withSession } from './session.ts'

export const addExplain: AddCommand = (reeve, { cli, global, json }) => {
  reeve
    .command('explain')
    .description('Every fact, rule and decision about one group.')
    .addArgument(new Argument('<kind>').choices(['group'] as const))
    .argument('<name>')
    .action((_kind, name) =>
      withSession(cli, global(), async session => {
        const found = (await rehearseAll(cli, session)).flatMap(({ agent, rehearsal }) =>
          rehearsal.decision.verdicts.filter(({ subject }) => subject === name).map(verdict => ({ agent, verdict }))
        )
        if (found.length === 0) throw new CommandFailure(exitCodes.unanswered, `no agent knows a group ${JSON.stringify(name)} in the last observation`)
        if (json()) cli.out(JSON.stringify(found))
        else for (const { agent, verdict } of found) cli.out(`${agent}\n${explainText(verdict)}\n`)
        await journal(cli, session, { sinceMs: 7 * 86_400_000, subject: name, json: global().json })
      })
    )
}
