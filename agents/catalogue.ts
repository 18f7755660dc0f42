import type { AnyAgent } from '#shared/engine/agent.ts'
import { consumerGuardian } from './consumer-guardian/index.ts'

/** Every agent of the house: one import and one line each. */
export const catalogue: readonly AnyAgent[] = [consumerGuardian]
