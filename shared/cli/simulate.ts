import { readFileSync } from 'node:fs'
import { parsePolicy } from '../config/policy-file.ts'
import { durationOf, type AddCommand } from './command.ts'
import type { Config } from '../config/index.ts'
import type { AnyAgent } from '../engine/agent.ts'
import { compare } from '../engine/compare.ts'
import { history } from '../engine/history.ts'
import { simulate, type SimulatedAgent } from '../engine/simulate.ts'
import { type Simulated, simulationJson, simulationText } from '../render/simulation.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { happenings } from './happenings.ts'
import { policyChanges } from './policy-changes.ts'
import { progress } from './progress.ts'
import { type Cli, type GlobalOptions, mistakesFailure, readConfig, type Session, withSession } from './session.ts'
import { policyOf } from './settings.ts'

export const addSimulate: AddCommand = (reeve, { cli, global, json }) => {
  reeve
    .command('simulate')
    .description('What a changed policy would have told and done, over the observations of the past. Changes nothing.')
    .argument('[agent]', 'which one, where there are several')
    .requiredOption('--policy <file>', "YAML: the agent's policy, as it stands under agents.<name>.policy; or a whole configuration")
    .option('--since <duration>', 'how far back', '24h')
    .option('--given <name...>', 'take as given what the past does not hold; the output names what there is')
    .action((name, { policy: file, since, given = [] }) => {
      const sinceMs = durationOf('--since', since)
      const agent = agentOf(cli, name)
      const unknown = given.filter(each => !Object.hasOwn(agent.simulation.assumptions, each))
      if (unknown.length > 0)
        throw new CommandFailure(
          exitCodes.usage,
          `--given ${unknown.join(' ')}: ${agent.name} knows ${Object.keys(agent.simulation.assumptions).join(', ') || 'none'}`
        )
      const changed = readChanged(cli, global(), agent, file)
      return withSession(cli, global(), async session => {
        const simulated = await replay(cli, session, agent, changed, sinceMs, new Set(given))
        cli.out(json() ? JSON.stringify(simulationJson(simulated)) : simulationText(simulated))
        if (simulated.interrupted) throw new CommandFailure(exitCodes.interrupted, `interrupted at ${new Date(simulated.untilMs).toISOString()}`)
      })
    })
}

function agentOf(cli: Cli, name: string | undefined): SimulatedAgent {
  const able = cli.agents.filter((agent): agent is SimulatedAgent => agent.simulation !== undefined)
  const names = able.map(agent => agent.name).join(', ')
  const known: AnyAgent | undefined = cli.agents.find(agent => agent.name === name)
  if (known && !able.some(agent => agent.name === name))
    throw new CommandFailure(exitCodes.usage, `${name} cannot be simulated from past observations; of those that can there are: ${names}`)
  const found = able.filter(agent => name === undefined || agent.name === name)
  if (found.length !== 1)
    throw new CommandFailure(exitCodes.usage, `${name === undefined ? 'say which agent' : `no agent is called ${name}`}; there are: ${names}`)
  return found[0]!
}

interface Changed {
  readonly policy: unknown
  /** Of a whole configuration; else those of the present one hold. */
  readonly config: Config | null
}

/** Mistakes in the file come all at once, as those of the configuration do. */
function readChanged(cli: Cli, options: GlobalOptions, agent: AnyAgent, file: string): Changed {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandFailure(exitCodes.configuration, `--policy ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
  const loaded = parsePolicy(text, agent.policy)
  if (loaded.is === 'wrong') throw mistakesFailure(file, loaded.mistakes)
  if (loaded.is === 'policy') return { policy: loaded.policy, config: null }
  const config = readConfig(cli, { ...options, config: file })
  return { policy: policyOf(config, agent), config }
}

/** Folds the observations through both policies at once; ends early at the signal, with what was found so far. */
async function replay(cli: Cli, session: Session, agent: SimulatedAgent, changed: Changed, sinceMs: number, given: ReadonlySet<string>): Promise<Simulated> {
  const { config, kafka, topics } = session
  const untilMs = Date.now()
  const fromMs = untilMs - sinceMs
  const presentPolicy = policyOf(config, agent)
  const { limits, owners } = changed.config ?? config
  const sides = {
    present: simulate({ agent, policy: presentPolicy, limits: config.limits, owners: config.owners, given }),
    changed: simulate({ agent, policy: changed.policy, limits, owners, given })
  }
  const { said, happened } = await happenings(session, agent.name, fromMs)
  const tell = progress(cli, { fromMs, untilMs, what: 'observations' })
  let first: number | null = null
  let last: number | null = null
  let gaps = 0
  for await (const past of history(kafka, { topic: topics.observations, sinceMs: fromMs, signal: cli.signal })) {
    const { atMs } = past.view
    const heard = said.filter(request => request.atMs <= atMs)
    sides.present.turn(past, heard)
    sides.changed.turn(past, heard)
    if (past.gap && first !== null) gaps++
    first ??= atMs
    last = atMs
    tell(atMs)
  }
  if (first === null || last === null)
    throw new CommandFailure(exitCodes.unanswered, `${topics.observations} holds no observation since ${new Date(fromMs).toISOString()}`)
  const [present, other] = [sides.present.found(), sides.changed.found()]
  return {
    agent: agent.name,
    fromMs: first,
    untilMs: last,
    interrupted: cli.signal.aborted,
    gaps,
    turns: other.turns,
    changes: policyChanges(agent.policy, presentPolicy, changed.policy),
    given: [...given].map(name => agent.simulation.assumptions[name]!),
    unknown: agent.simulation.unknown,
    present,
    changed: other,
    compared: compare(present, other),
    happened
  }
}
