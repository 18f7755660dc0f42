import { capabilities } from '../doctor/capabilities.ts'
import { findings, isSound } from '../doctor/findings.ts'
import { doctorText } from '../render/doctor.ts'
import type { Config } from '../config/index.ts'
import type { RoleRights } from '../doctor/gather/principals.ts'
import type { AddCommand } from './command.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import { type Cli, readConfigs } from './session.ts'

export const addDoctor: AddCommand = (reeve, { cli, global, json }) => {
  reeve
    .command('doctor')
    .description('Looks at everything that Reeve needs, says what is missing and how to mend it. Changes nothing.')
    .option('--send-test', 'send one test message to each channel')
    .action(async ({ sendTest }) => {
      const { gather } = await import('../doctor/gather/index.ts')
      const examined = []
      for (const config of readConfigs(cli, global())) {
        const facts = await gather(config, rolesOf(cli, config), { sendTest: sendTest === true, streams: cli.streams })
        examined.push({ cluster: config.cluster.name, findings: findings(facts), capabilities: capabilities(facts) })
      }
      if (json()) cli.out(JSON.stringify({ sound: examined.every(each => isSound(each.findings)), clusters: examined }))
      else for (const each of examined) cli.out(doctorText(each.cluster, each.findings, each.capabilities, cli.width))
      const errors = examined.flatMap(each => each.findings.filter(({ severity }) => severity === 'error'))
      if (errors.length > 0)
        throw new CommandFailure(exitCodes.unsound, `${errors.length} error${errors.length === 1 ? '' : 's'} found`, [], { answered: true })
    })
}

/** Agents and streams alike: what each needs, as its own policy has it. */
export function rolesOf({ agents, streams }: Pick<Cli, 'agents' | 'streams'>, config: Config): readonly RoleRights[] {
  return [...agents, ...streams.map(({ name, policy, rights }) => ({ name, rights: rights(config.agents[name]?.policy ?? policy.parse({})) }))]
}
