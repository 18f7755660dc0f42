import type { ProvenTogether } from '../../audit-log/proving-together.ts'
import { formatDuration } from '../../domain/duration.ts'
import { hashToBase64 } from '../../proof/hash.ts'
import { count, printable } from '../../render/table.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'

const verdicts = { proven: 'VERIFIED', unanchored: 'SELF-ATTESTED', doubtful: 'NOT VERIFIED' } as const

/** What was found of one log, in people's words. */
export function proofText(proven: ProvenTogether, nowMs: number): string {
  const { origin, continues, earlierUnseen, continuedIn, size, checkpointed, checkpoints, vkeys, newest, anchors, anchored, state, fault, root, stamps } =
    proven
  const behind = behindAnchor(proven, nowMs)
  return [
    origin,
    `  entries      ${count(size)}, the newest of ${newest ?? 'unknown'}`,
    `  checkpoints  ${count(checkpoints)}, the newest of ${count(checkpointed)} entries${root === null ? '' : `, root ${hashToBase64(root)}`}`,
    ...vkeys.map(vkey => `  key          ${vkey}`),
    ...anchors.map(({ name, kind, outside, silent, checkpoints: held, agreed }) => {
      const said = silent ?? `holds ${count(held)} checkpoints, and this tree up to ${count(agreed)} entries`
      return `  anchor       ${name} (${kind}${outside || kind === 'copy' ? '' : ', not outside'}): ${said}`
    }),
    ...continues.map(
      end => `  continues    ${end.origin} of ${count(end.size)} entries${earlierUnseen === null ? ', as it ended' : `: not looked at, ${earlierUnseen}`}`
    ),
    ...(continuedIn === null ? [] : [`  ended        goes on in the topic ${continuedIn}`]),
    ...(stamps.found === 0 ? [] : [`  time stamps  ${stampText(stamps)}`]),
    `  ${verdicts[state]}${state === 'proven' ? `: the first ${count(anchored)} entries by an anchor outside` : ''}`,
    ...(behind.anchoredAt === null ? [] : [`  ${behindText(behind)}`]),
    ...(fault ? [`  first bad sequence ${fault.sequence}: ${fault.reason}`] : [])
  ]
    .map(printable)
    .join('\n')
}

/** What lies behind the newest checkpoint that an anchor outside vouches for, and how old that is by the clock here. */
function behindAnchor({ size, anchored, anchoredAt }: Pick<ProvenTogether, 'size' | 'anchored' | 'anchoredAt'>, nowMs: number) {
  return { entries: size - anchored, anchoredAt, ageMs: anchoredAt === null ? null : nowMs - Date.parse(anchoredAt) }
}

function behindText({ entries, anchoredAt, ageMs }: ReturnType<typeof behindAnchor>): string {
  return `behind it    ${count(entries)} entries that no anchor vouches for; the anchored checkpoint is of ${anchoredAt}, ${formatDuration(Math.max(0, ageMs!))} ago`
}

function stampText({ found, valid, newest }: ProvenTogether['stamps']): string {
  if (newest === null) return `${count(found)}, not looked at: --tsa-ca says who may vouch for them`
  return `${count(valid)} of ${count(found)} hold; ${count(newest.size)} entries existed at ${new Date(newest.atMs).toISOString()}, says ${newest.authority}`
}

/** The same for machines. */
export function proofJson(log: ProvenTogether, nowMs: number): object {
  const { roots: _, whole: __, times: ___, rounds: ____, ownFault: _____, root, ...proven } = log
  return { ...proven, root: root === null ? null : hashToBase64(root), behind: behindAnchor(log, nowMs) }
}

/** Ends the command where there is a doubt; what was found has been printed. */
export function requireProven(
  proven: readonly ProvenTogether[],
  { allowUnanchored, withinMs, nowMs }: { readonly allowUnanchored: boolean; readonly withinMs: number | null; readonly nowMs: number }
): void {
  const doubtful = proven.find(({ fault }) => fault !== null)
  if (doubtful)
    throw new CommandFailure(exitCodes.doubtful, `${doubtful.origin} is not right: sequence ${doubtful.fault!.sequence}: ${doubtful.fault!.reason}`, [], {
      answered: true
    })
  const unanchored = proven.find(({ state }) => state === 'unanchored')
  if (unanchored && !allowUnanchored)
    throw new CommandFailure(
      exitCodes.unanchored,
      `${unanchored.origin} is SELF-ATTESTED: no anchor outside the cluster vouches for it (--allow-unanchored takes it so)`,
      [],
      { answered: true }
    )
  for (const log of withinMs === null ? [] : proven) {
    const { anchoredAt, ageMs } = behindAnchor(log, nowMs)
    if (ageMs !== null && ageMs <= withinMs!) continue
    throw new CommandFailure(
      exitCodes.doubtful,
      `${log.origin}: its newest anchored checkpoint is ${anchoredAt === null ? 'not there' : `of ${anchoredAt}, ${formatDuration(ageMs!)} ago`}, and was to be no older than ${formatDuration(withinMs!)}`,
      [],
      { answered: true }
    )
  }
}
