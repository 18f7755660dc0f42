import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exitCodes } from '#shared/cli/exit-codes.ts'

describe.each([
  ['reeve.service', '/etc/reeve/secrets', 'run'],
  ['reeve-stream@.service', '/etc/reeve/%i.secrets', 'stream %i']
])('%s', (name, secrets, command) => {
  const file = join(import.meta.dirname, name)
  const settings = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => /^\w+=/.test(line))
  const has = (setting: string) => expect(settings).toContain(setting)

  test('it is no user of this host, may write nothing, and is started again whatever happens', () => {
    for (const setting of ['DynamicUser=yes', 'ProtectSystem=strict', 'NoNewPrivileges=yes', 'CapabilityBoundingSet=', 'Restart=always']) has(setting)
  })

  test('it is not started again where another start would change nothing', () => {
    has(`RestartPreventExitStatus=${exitCodes.usage} ${exitCodes.configuration}`)
  })

  test('secrets come as credentials, never as words of the command or of the unit', () => {
    has(`LoadCredential=secrets:${secrets}`)
    expect(settings.filter(line => line.startsWith('Environment='))).toEqual(['Environment=NODE_ENV=production'])
    const start = settings.find(line => line.startsWith('ExecStart='))
    expect(start).not.toMatch(/password|secret|token/i)
    expect(start?.endsWith(` ${command}`)).toBe(true)
  })

  test('systemd finds the unit sound, and its exposure low', context => {
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) {
      context.skip('systemd-analyze is missing')
      return
    }
    const verified = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
    // The program need not be where the tests run.
    expect(verified.stderr.split('\n').filter(line => line.includes(name) && !line.includes('is not executable'))).toEqual([])
    const judged = spawnSync('systemd-analyze', ['security', '--offline=yes', '--threshold=20', file], { encoding: 'utf8' })
    expect(judged.status, judged.stdout).toBe(0)
  })
})
