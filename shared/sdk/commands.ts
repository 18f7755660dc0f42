import { type Command, commandSchema, decode, parseControlKey, type Target } from './protocol.ts'

/** The two clocks an expiry is measured by. Only the monotonic one can be trusted to move. */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  nowMs(): number
  /** Milliseconds that only grow, from any origin. */
  monotonicMs(): number
}

export const systemClock: Clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }

export interface HeldCommand {
  readonly target: Target
  readonly command: Command
  /** When this process first read it, by the monotonic clock: a second reading of the same command never extends it. */
  readonly readAtMs: number
  /** Has been let go. Stays so, whatever the wall clock says later. */
  readonly lapsed: boolean
}

/** What the control topic says about one group, by key. Values are never changed in place. */
export interface CommandTable {
  readonly held: ReadonlyMap<string, HeldCommand>
  /** Keys of this group whose latest record is not a Command. */
  readonly unreadable: ReadonlySet<string>
}

export const emptyTable: CommandTable = { held: new Map(), unreadable: new Set() }

/**
 * The table after one record of the control topic; the same table when the record is not about this group. Total over any bytes.
 * `earlier` is what was known before a reading from the start: it remembers when a command was first read and that it lapsed.
 */
export function afterRecord(
  table: CommandTable,
  record: { readonly key: Buffer | null; readonly value: Buffer | null },
  group: { readonly clusterId: string; readonly groupId: string },
  monotonicMs: number,
  earlier: CommandTable = table
): CommandTable {
  const key = record.key?.toString('utf8')
  const target = key === undefined ? null : parseControlKey(key)
  if (key === undefined || target === null || target.clusterId !== group.clusterId || target.groupId !== group.groupId) return table
  const held = new Map(table.held)
  const unreadable = new Set(table.unreadable)
  held.delete(key)
  unreadable.delete(key)
  const command = decode(commandSchema, record.value)
  if (command !== null) {
    const known = earlier.held.get(key)
    const same = known?.command.commandId === command.commandId
    held.set(key, { target, command, readAtMs: same ? known.readAtMs : monotonicMs, lapsed: same && known.lapsed })
  } else if (record.value !== null) {
    unreadable.add(key)
  }
  return { held, unreadable }
}

/**
 * Milliseconds until a command lets go, at most 0 when it is due: at `untilMs` by the wall clock, or `ttlMs` after it was first
 * read by the monotonic one, whichever is first.
 */
export function remainingMs(held: HeldCommand, clock: Clock): number {
  return Math.min(held.command.untilMs - clock.nowMs(), held.readAtMs + held.command.ttlMs - clock.monotonicMs())
}

/** The table with every command that is due marked as lapsed; the same table when none is. */
export function afterTime(table: CommandTable, clock: Clock): CommandTable {
  const due = [...table.held].filter(([, held]) => !held.lapsed && remainingMs(held, clock) <= 0)
  if (due.length === 0) return table
  return { ...table, held: new Map([...table.held, ...due.map(([key, held]) => [key, { ...held, lapsed: true }] as const)]) }
}

export function inForce(table: CommandTable): readonly HeldCommand[] {
  return [...table.held.values()].filter(held => !held.lapsed)
}

/** The command that rules one partition: the most specific in force, null for none. */
export function commandFor(table: CommandTable, topic: string, partition: number): Command | null {
  let best: HeldCommand | null = null
  for (const held of inForce(table)) {
    const { target } = held
    if (target.topic !== undefined && target.topic !== topic) continue
    if (target.partition !== undefined && target.partition !== partition) continue
    if (best === null || grain(target) > grain(best.target)) best = held
  }
  return best?.command ?? null
}

/**
 * What a member does whose client can only pause everything that it reads. It never holds more than was commanded: commands for a part of the
 * group are refused, and so is the pause of a group of which a part is to run.
 */
export function forWholeMember(table: CommandTable): { readonly held: boolean; readonly refused: readonly Command[] } {
  const commands = inForce(table)
  const whole = commands.find(({ target }) => target.topic === undefined)?.command
  const parts = commands.filter(({ target }) => target.topic !== undefined).map(({ command }) => command)
  if (whole?.state !== 'paused') return { held: false, refused: parts.filter(({ state }) => state === 'paused') }
  const exceptions = parts.filter(({ state }) => state === 'running')
  return exceptions.length === 0 ? { held: true, refused: [] } : { held: false, refused: [whole, ...exceptions] }
}

/** The command that a member names in its ack: the one for the whole group, else the latest for a part of it. */
export function commandToAcknowledge(table: CommandTable): Command | null {
  const [first] = inForce(table).toSorted((a, b) => {
    const whole = Number(b.target.topic === undefined) - Number(a.target.topic === undefined)
    return whole || b.command.issuedAtMs - a.command.issuedAtMs || (a.command.commandId < b.command.commandId ? -1 : 1)
  })
  return first?.command ?? null
}

function grain({ topic, partition }: Target): number {
  return Number(topic !== undefined) + Number(partition !== undefined)
}
