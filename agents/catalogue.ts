import type { AnyAgent } from '#shared/engine/agent.ts'
import type { AnyStream } from '#shared/engine/stream.ts'
import { auditMirror } from './audit-mirror/index.ts'
import { consumerGuardian } from './consumer-guardian/index.ts'

/** Every agent of the house: one import and one line each. */
export const catalogue: readonly AnyAgent[] = [consumerGuardian]

/** Those that read streams: each runs in a process of its own (`reeve stream NAME`), and only where the configuration names it. */
export const streams: readonly AnyStream[] = [auditMirror]
