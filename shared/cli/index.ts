import { Argument, Command, CommanderError } from '@commander-js/extra-typings'
import { parseDuration } from '../domain/duration.ts'
import { explainText, planJson, planText } from '../render/plan.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { journal } from './journal.ts'
import { report, say } from './people.ts'
import { rehearseAll } from './reading.ts'
import { releaseAll } from './release.ts'
import { run, type RunHooks } from './run.ts'
import { type Cli, type GlobalOptions, readConfig, withSession } from './session.ts'

/** The command line: knows the catalogue, never an agent by name. `hooks` are for test code only. */
export function program(cli: Cli, hooks: RunHooks = {}) {
  const reeve = new Command('reeve')
    .description('Governance agents for Apache Kafka.')
    .option('-c, --config <file>', 'the configuration', cli.env['REEVE_CONFIG'] ?? 'config/default.yaml')
    .option('--json', 'answer in JSON, for machines')
    .exitOverride()
    .configureOutput({ writeOut: text => cli.out(text.trimEnd()), writeErr: text => cli.err(text.trimEnd()) })
    .showHelpAfterError('(see reeve --help)')
  const global = (): GlobalOptions => reeve.opts()
  const json = (): boolean => global().json === true
  const speak = (kind: 'fixed' | 'resume' | 'undo' | 'approve' | 'halt' | 'unhalt', subject: string, why: string, wait: string) => {
    const waitMs = durationOf('--wait', wait)
    return withSession(cli, global(), async session => report(cli, await say(cli, session, kind, subject, why, waitMs), json()))
  }

  reeve
    .command('run')
    .description('Run as leader or standby, until stopped.')
    .action(() => run(cli, global(), hooks))

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
  asking('release', 'Give back everything, and halt; before an uninstall.')
    .requiredOption('--all', 'everything')
    .action(({ why, wait }) => {
      const waitMs = Math.max(60_000, durationOf('--wait', wait))
      return withSession(cli, global(), session => releaseAll(cli, session, why, waitMs, json()))
    })

  reeve
    .command('journal')
    .description('What happened, oldest first.')
    .option('--since <duration>', 'how far back', '24h')
    .option('--agent <name>')
    .option('--subject <text>', 'a group, an action key or a request id')
    .option('--follow', 'go on until stopped')
    .action(options => {
      const sinceMs = durationOf('--since', options.since)
      return withSession(cli, global(), async session => void (await journal(cli, session, { ...options, sinceMs, json: global().json })))
    })

  const config = reeve.command('config').description('About the configuration.')
  config
    .command('check')
    .description('Read it, print all mistakes at once.')
    .option('--connect', 'try to reach Kafka too')
    .action(async ({ connect }) => {
      const checked = readConfig(cli, global())
      const reached = connect ? await withSession(cli, global(), async ({ kafka }) => kafka.admin.features()) : null
      if (json())
        cli.out(
          JSON.stringify({
            ok: true,
            agents: Object.fromEntries(Object.entries(checked.agents).map(([name, { enabled, act }]) => [name, { enabled, act }])),
            reached
          })
        )
      else cli.out(`${global().config}: no mistakes${reached ? `; cluster ${reached.clusterId} answers, ${reached.brokers} brokers` : ''}`)
    })
  return reeve
}

/** Runs one command line. Returns the exit code; everything that went wrong was printed once. */
export async function main(
  cli: Cli,
  argv: readonly string[],
  reeve: { parseAsync(argv: readonly string[], from: { from: 'user' }): Promise<unknown> }
): Promise<number> {
  try {
    await reeve.parseAsync(argv, { from: 'user' })
    return exitCodes.ok
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok
    const failure = failureOf(error)
    if (argv.includes('--json')) cli.out(JSON.stringify({ error: failure.message, details: failure.details, exitCode: failure.exitCode }))
    // Commander has said its own already, with a hint.
    if (error instanceof CommanderError) return failure.exitCode
    cli.err([`reeve: ${failure.message}`, ...failure.details.map(line => `  ${line}`)].join('\n'))
    return failure.exitCode
  }
}

function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error
  if (!(error instanceof CommanderError)) return new CommandFailure(exitCodes.failed, error instanceof Error ? error.message : String(error))
  return new CommandFailure(exitCodes.usage, error.code === 'commander.help' ? 'expected a command (see reeve --help)' : error.message.replace(/^error: /, ''))
}

/** Read before anything is connected: wrong words are wrong whatever the cluster says. */
function durationOf(option: string, text: string): number {
  const durationMs = parseDuration(text)
  if (durationMs === null) throw new CommandFailure(exitCodes.usage, `${option} ${text}: expected a duration such as 30s, 24h or 7d`)
  return durationMs
}
