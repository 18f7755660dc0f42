import { z } from 'zod'
import { formatDuration } from '#shared/domain/duration.ts'
import type { Effects, Ports } from '#shared/engine/agent.ts'
import { type Command, commandSchema, controlKey, decode, protocolVersion } from '#shared/sdk/protocol.ts'
import { pauseCauses } from './policy.ts'

/** Holds every partition of a group until `untilMs`, by a command that the SDK in its members obeys. */
export const pauseSchema = z.object({
  kind: z.literal('pause'),
  clusterId: z.string().min(1),
  groupId: z.string().min(1),
  incidentStartMs: z.int(),
  cause: z.enum(pauseCauses),
  commandId: z.string().min(1),
  issuedAtMs: z.int(),
  untilMs: z.int(),
  ttlMs: z.int().nonnegative(),
  /** When retention could pass one of its commits, as it was known then. */
  lossAtMs: z.union([z.int(), z.literal('never')]),
  owner: z.string(),
  /** One sentence for the owner's log. */
  why: z.string()
})
export type Pause = z.output<typeof pauseSchema>
export type Action = Pause

export function pauseKey(groupId: string, incidentStartMs: number): string {
  return `consumer-guardian/pause/${encodeURIComponent(groupId)}/${incidentStartMs}`
}

const issuer = 'reeve/consumer-guardian'

export const effects: Effects<Action> = {
  pause: {
    harm: 'pauses',
    key: ({ groupId, incidentStartMs }) => pauseKey(groupId, incidentStartMs),
    target: ({ groupId, owner }) => ({ id: groupId, owner }),
    describe: ({ groupId, cause, ttlMs }) => `pause group ${groupId} (${cause}) for at most ${formatDuration(ttlMs)}`,

    async apply(ports, pause) {
      const { commandId, issuedAtMs, untilMs, ttlMs, why } = pause
      return write(ports, pause, { version: protocolVersion, commandId, state: 'paused', issuedAtMs, untilMs, ttlMs, reason: why, issuer })
    },

    async verify(ports, pause) {
      const command = await inForce(ports, pause)
      return command?.commandId === pause.commandId && command.state === 'paused' ? 'done' : 'not-done'
    },

    /** Says `running` in place of a tombstone, so that the reason stays readable. Another command is left alone. */
    async undo(ports, pause, why) {
      const command = await inForce(ports, pause)
      if (command !== null && command.commandId !== pause.commandId) return { found: command.commandId }
      const { commandId, issuedAtMs, untilMs } = pause
      return write(ports, pause, {
        version: protocolVersion,
        commandId: `${commandId}/undo`,
        state: 'running',
        issuedAtMs,
        untilMs,
        ttlMs: 0,
        reason: why,
        issuer
      })
    }
  }
}

async function write(ports: Ports, { clusterId, groupId }: Pause, command: Command) {
  const key = controlKey({ clusterId, groupId })
  const { offsets } = await ports.appender.append([
    { topic: ports.topics.control, partition: 0, key: Buffer.from(key), value: Buffer.from(JSON.stringify(command)) }
  ])
  return { topic: ports.topics.control, key, offset: offsets[0] ?? null, commandId: command.commandId }
}

async function inForce(ports: Ports, { clusterId, groupId }: Pause): Promise<Command | null> {
  const table = await ports.table(ports.topics.control)
  return decode(commandSchema, table.get(controlKey({ clusterId, groupId }))?.value ?? null)
}
