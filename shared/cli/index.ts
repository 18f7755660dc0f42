import { Command, CommanderError } from '@commander-js/extra-typings'
import { PolicyMistake } from '../engine/policy-mistake.ts'
import { addAsking } from './asking.ts'
import { addAudit } from './audit/index.ts'
import { addBackup } from './backup.ts'
import type { AddCommand } from './command.ts'
import { addConfig } from './config-check.ts'
import { addDoctor } from './doctor.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { addExplain } from './explain.ts'
import { addJournal } from './journal.ts'
import { addPlan } from './plan.ts'
import { addSimulate } from './simulate.ts'
import { addStream } from './stream.ts'
import type { RunHooks } from './govern.ts'
import type { Cli, GlobalOptions } from './session.ts'

/** The order of `reeve --help`, behind `run`. */
const commands: readonly AddCommand[] = [addStream, addPlan, addExplain, addSimulate, addAsking, addJournal, addAudit, addBackup, addDoctor, addConfig]

/** The command line: knows the catalogue, never an agent by name. `hooks` are for test code only. */
export function program(cli: Cli, hooks: RunHooks = {}) {
  const reeve = new Command('reeve')
    .description('Governance agents for Apache Kafka.')
    .option('-c, --config <file>', 'the configuration', cli.env['REEVE_CONFIG'] ?? 'config/default.yaml')
    .option('--cluster <name>', 'which one, where the configuration governs several')
    .option('--json', 'answer in JSON, for machines')
    .exitOverride()
    .configureOutput({ writeOut: text => cli.out(text.trimEnd()), writeErr: text => cli.err(text.trimEnd()) })
    .showHelpAfterError('(see reeve --help)')
  const global = (): GlobalOptions => reeve.opts()

  reeve
    .command('run')
    .description('Run as leader or standby, until stopped.')
    .action(async () => {
      // Queue, metrics and HTTP are a third of what Reeve loads, and no other command's.
      const { run } = await import('./run.ts')
      await run(cli, global(), hooks)
    })
  const surroundings = { cli, global, json: () => global().json === true }
  for (const add of commands) add(reeve, surroundings)
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
    if (argv.includes('--json') && !failure.answered) cli.out(JSON.stringify({ error: failure.message, details: failure.details, exitCode: failure.exitCode }))
    // Commander has said its own already, with a hint.
    if (error instanceof CommanderError) return failure.exitCode
    cli.err([`reeve: ${failure.message}`, ...failure.details.map(line => `  ${line}`)].join('\n'))
    return failure.exitCode
  }
}

function failureOf(error: unknown): CommandFailure {
  if (error instanceof CommandFailure) return error
  if (error instanceof PolicyMistake) return new CommandFailure(exitCodes.configuration, error.message)
  if (!(error instanceof CommanderError)) return new CommandFailure(exitCodes.failed, error instanceof Error ? error.message : String(error))
  return new CommandFailure(exitCodes.usage, error.code === 'commander.help' ? 'expected a command (see reeve --help)' : error.message.replace(/^error: /, ''))
}
