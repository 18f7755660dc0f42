import type { AddCommand } from './command.ts'
import { readConfig, withSession } from './session.ts'

export const addConfig: AddCommand = (reeve, { cli, global, json }) => {
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
}
