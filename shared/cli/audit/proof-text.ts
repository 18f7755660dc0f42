import type { ProvenLog } from '../../audit-log/proving.ts'
import { hashToBase64 } from '../../proof/hash.ts'
import { count, printable } from '../../render/table.ts'
import { CommandFailure, exitCodes } from '../exit-codes.ts'

const verdicts = { proven: 'VERIFIED', unanchored: 'SELF-ATTESTED', doubtful: 'NOT VERIFIED' } as const

/** What was found of one log, in people's words. */
export function proofText(proven: ProvenLog): string {
  const { origin, size, checkpointed, checkpoints, vkeys, newest, anchors, anchored, state, fault, root, stamps } = proven
  return [
    origin,
    `  entries      ${count(size)}, the newest of ${newest ?? 'unknown'}`,
    `  checkpoints  ${count(checkpoints)}, the newest of ${count(checkpointed)} entries${root === null ? '' : `, root ${hashToBase64(root)}`}`,
    ...vkeys.map(vkey => `  key          ${vkey}`),
    ...anchors.map(({ name, kind, outside, silent, checkpoints: held, agreed }) => {
      const said = silent ?? `holds ${count(held)} checkpoints, and this tree up to ${count(agreed)} entries`
      return `  anchor       ${name} (${kind}${outside || kind === 'copy' ? '' : ', not outside'}): ${said}`
    }),
    ...(stamps.found === 0 ? [] : [`  time stamps  ${stampText(stamps)}`]),
    `  ${verdicts[state]}${state === 'proven' ? `: the first ${count(anchored)} entries by an anchor outside` : ''}`,
    ...(fault ? [`  first bad sequence ${fault.sequence}: ${fault.reason}`] : [])
  ]
    .map(printable)
    .join('\n')
}

function stampText({ found, valid, newest }: ProvenLog['stamps']): string {
  if (newest === null) return `${count(found)}, not looked at: --tsa-ca says who may vouch for them`
  return `${count(valid)} of ${count(found)} hold; ${count(newest.size)} entries existed at ${new Date(newest.atMs).toISOString()}, says ${newest.authority}`
}

/** The same for machines. */
export function proofJson(log: ProvenLog): object {
  const { roots: _, whole: __, root, ...proven } = log
  return { ...proven, root: root === null ? null : hashToBase64(root) }
}

/** Ends the command where there is a doubt; what was found has been printed. */
export function requireProven(proven: readonly ProvenLog[], allowUnanchored: boolean): void {
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
}
