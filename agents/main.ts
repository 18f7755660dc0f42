import { Option } from '@commander-js/extra-typings'
import { program, main } from '#shared/cli/index.ts'
import type { Cli } from '#shared/cli/session.ts'
import { catalogue, streams } from './catalogue.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const cli: Cli = {
  agents: catalogue,
  streams,
  env: process.env,
  out: text => void process.stdout.write(`${text}\n`),
  err: text => void process.stderr.write(`${text}\n`),
  width: process.stdout.columns,
  signal: stop.signal
}

const reeve = program(cli)
reeve
  .command('demo')
  .description('Watch Reeve govern a real Kafka of its own.')
  .option('--until-done', 'end when every expectation was judged')
  .option('--docker', 'containers in place of local processes')
  .option('--picture <file>', 'write the screen as SVG once a group is paused and its owner answers')
  .addOption(new Option('--scene <name>', 'another one: audit shows the audit log').choices(['audit']).conflicts(['docker', 'picture']))
  .action(async ({ scene, ...options }) => {
    if (scene === 'audit') {
      const { auditScene } = await import('#deploy/local/demo/audit/index.ts')
      process.exitCode = await auditScene(cli, options)
      return
    }
    const { demo } = await import('#deploy/local/demo/index.ts')
    process.exitCode = await demo(cli, options)
  })

const code = await main(cli, process.argv.slice(2), reeve)
process.exitCode ||= code
