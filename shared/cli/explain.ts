import { Argument } from '@commander-js/extra-typings'
import { explainText } from '../render/plan.ts'
import { durationOf, type AddCommand } from './command.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { explainTopic } from './explain-topic.ts'
import { drawPast, type PictureOptions, tellPast } from './past.ts'
import { groupCourse } from '../render/course.ts'
import { rehearseAll } from './reading.ts'
import { type Cli, type Session, withSession } from './session.ts'

export const addExplain: AddCommand = (reeve, { cli, global, json }) => {
  reeve
    .command('explain')
    .description('Every fact, rule and decision about one group or topic, with a picture of its past.')
    .addArgument(new Argument('<kind>').choices(['group', 'topic'] as const))
    .argument('<name>')
    .option('--since <duration>', 'how far back the picture and the journal go', '24h')
    .option('--svg <file>', 'write the picture as SVG too')
    .option('--ascii', 'only ASCII; also where the locale is not UTF-8')
    .action((kind, name, { since, svg, ascii }) => {
      const options = { sinceMs: durationOf('--since', since), svg, ascii }
      return withSession(cli, global(), session => (kind === 'group' ? explainGroup : explainTopic)(cli, session, name, options, json()))
    })
}

async function explainGroup(cli: Cli, session: Session, name: string, options: PictureOptions, json: boolean): Promise<void> {
  const found = (await rehearseAll(cli, session)).flatMap(({ agent, rehearsal }) =>
    rehearsal.decision.verdicts.filter(({ subject }) => subject === name).map(verdict => ({ agent, verdict }))
  )
  if (found.length === 0) throw new CommandFailure(exitCodes.unanswered, `no agent knows a group ${JSON.stringify(name)} in the last observation`)
  const drawn = await drawPast(cli, session, options, { title: `group ${name}`, subjects: new Set([name]), course: span => groupCourse(name, span) })
  if (json) cli.out(JSON.stringify(found))
  else for (const { agent, verdict } of found) cli.out(`${agent}\n${explainText(verdict)}\n`)
  tellPast(cli, drawn, json)
}
