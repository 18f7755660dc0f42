import { planJson, planText } from '../render/plan.ts'
import type { AddCommand } from './command.ts'
import { rehearseAll } from './reading.ts'
import { withSession } from './session.ts'

export const addPlan: AddCommand = (reeve, { cli, global, json }) => {
  reeve
    .command('plan')
    .description('What would be done now, and why. Changes nothing.')
    .argument('[agent]', 'only this agent')
    .action(agent =>
      withSession(cli, global(), async session => {
        const rehearsed = await rehearseAll(cli, session, agent)
        if (json()) cli.out(JSON.stringify(rehearsed.map(each => planJson(each.agent, each.rehearsal))))
        else for (const each of rehearsed) cli.out(planText(each.agent, each.rehearsal, cli.width))
      })
    )
}
