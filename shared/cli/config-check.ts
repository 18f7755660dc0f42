import type { AddCommand } from './command.ts'
import { readConfigs, withSession } from './session.ts'

export const addConfig: AddCommand = (reeve, { cli, global, json }) => {
  const config = reeve.command('config').description('About the configuration.')
  config
    .command('check')
    .description('Read it, print all mistakes at once.')
    .option('--connect', 'try to reach Kafka too')
    .action(async ({ connect }) => {
      const checked = []
      for (const { cluster, agents } of readConfigs(cli, global())) {
        const options = { ...global(), cluster: cluster.name }
        const reached = connect ? await withSession(cli, options, async ({ kafka }) => kafka.admin.features()) : null
        const acting = Object.fromEntries(Object.entries(agents).map(([name, { enabled, act }]) => [name, { enabled, act }]))
        checked.push({ cluster: cluster.name, agents: acting, reached })
      }
      if (json()) return cli.out(JSON.stringify({ ok: true, clusters: checked }))
      cli.out(`${global().config}: no mistakes`)
      for (const { cluster, reached } of checked) if (reached) cli.out(`  ${cluster}: cluster ${reached.clusterId} answers, ${reached.brokers} brokers`)
    })
}
