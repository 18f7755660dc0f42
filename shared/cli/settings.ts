import { type Config, keysOf } from '../config/index.ts'
import type { AnyAgent } from '../engine/agent.ts'
import type { ApprovalRules } from '../engine/approvals.ts'
import type { EngineSettings } from '../engine/engine.ts'
import { checkLeaseTimes, leaseTimes } from '../engine/lease.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'

/** What the operator said to an agent, or its defaults where the file does not name it. */
export function policyOf(config: Config, agent: AnyAgent): unknown {
  return config.agents[agent.name]?.policy ?? agent.policy.parse({})
}

/** The engine's part of the configuration. `holder` names this replica to people. */
export function engineSettings(config: Config, holder: string): EngineSettings {
  const times = { ...leaseTimes, ...config.lease }
  try {
    checkLeaseTimes(times)
  } catch (error) {
    throw new CommandFailure(exitCodes.configuration, (error as Error).message)
  }
  return { holder, observer: config.observer, limits: config.limits, owners: config.owners, times }
}

/** Who may approve. `keys`: of the seals that the HTTP port writes, on every replica the same. */
export function approvalRules({ approvals, http }: Config): ApprovalRules {
  return { ...approvals, keys: () => keysOf(http) }
}
