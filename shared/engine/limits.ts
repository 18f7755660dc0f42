import { matchesGlob } from '../domain/glob.ts'
import type { Plan, Step } from './plan.ts'

/** How much one turn may do. All caps count only steps that pause or destroy. */
export interface Limits {
  /** At most this many, in force and planned taken together. */
  readonly maxActions: number
  /** At most this share of the governed subjects, percent … */
  readonly maxPercent: number
  /** … but this many are always allowed, so that percentages stay honest on small sets. */
  readonly percentMinimum: number
  readonly maxPerOwner: number
  readonly freeze: readonly { readonly fromMs: number; readonly untilMs: number; readonly why: string }[]
  /** Globs over targets that nobody may touch. */
  readonly holds: readonly { readonly subject: string; readonly why: string }[]
}

export interface GateInput {
  readonly plan: Plan
  readonly limits: Limits
  /** How many subjects the agent governs now; null when that is not known. */
  readonly subjects: number | null
  /** Owners of the harmful actions that stand already. */
  readonly standingOwners: readonly (string | null)[]
  readonly halted: { readonly who: string; readonly why: string } | null
  /** Checksums that a person approved. */
  readonly approved: ReadonlySet<string>
  readonly nowMs: number
  /** False: rehearse. Whatever would pause or destroy is refused here and nowhere else. */
  readonly act: boolean
}

export interface Refusal {
  readonly step: Step
  readonly because: string
  /** True when a person's approval of the plan's checksum would let it pass. */
  readonly approvable: boolean
}

export interface Gate {
  readonly permitted: readonly Step[]
  readonly refused: readonly Refusal[]
}

/**
 * Law 3: the one gate that every plan passes. In this order: what gives back always passes; then dry-run, kill switch, freeze,
 * hold; then the caps. A cap that is exceeded refuses every capped step of the plan, with the numbers: half a surprising
 * plan is still a surprise, so a person looks at the whole and approves its checksum.
 */
export function gate(input: GateInput): Gate {
  const { plan, limits, nowMs } = input
  const permitted: Step[] = []
  const refused: Refusal[] = []
  const capped: Step[] = []
  const frozen = limits.freeze.find(window => nowMs >= window.fromMs && nowMs < window.untilMs)
  for (const step of plan.steps) {
    const hold = limits.holds.find(held => matchesGlob(held.subject, step.target))
    if (step.harm === 'restores' || step.harm === 'harmless') permitted.push(step)
    else if (!input.act) refused.push({ step, because: 'dry-run: this agent is configured to observe and tell only (act: false)', approvable: false })
    else if (input.halted) refused.push({ step, because: `halted by ${input.halted.who}: ${input.halted.why}`, approvable: false })
    else if (frozen) refused.push({ step, because: `freeze until ${new Date(frozen.untilMs).toISOString()}: ${frozen.why}`, approvable: false })
    else if (hold) refused.push({ step, because: `${step.target} is held (${hold.subject}): ${hold.why}`, approvable: false })
    else capped.push(step)
  }
  const because = capped.length === 0 || input.approved.has(plan.checksum) ? null : exceeded(capped, input)
  for (const step of capped) {
    if (because === null) permitted.push(step)
    else refused.push({ step, because, approvable: true })
  }
  return { permitted, refused }
}

function exceeded(capped: readonly Step[], { limits, subjects, standingOwners, plan }: GateInput): string | null {
  const ask = `; approve with: reeve approve ${plan.checksum}`
  const total = capped.length + standingOwners.length
  if (total > limits.maxActions)
    return `${capped.length} planned and ${standingOwners.length} in force make ${total}, above the cap of ${limits.maxActions}${ask}`
  if (subjects === null && total > limits.percentMinimum)
    return `${total} is above ${limits.percentMinimum}, and how many subjects there are is not known${ask}`
  if (subjects !== null && total > limits.percentMinimum && total * 100 > subjects * limits.maxPercent)
    return `${total} of ${subjects} is ${((total * 100) / subjects).toFixed(1)} %, above the cap of ${limits.maxPercent} % (and above the minimum of ${limits.percentMinimum})${ask}`
  const byOwner = new Map<string | null, number>()
  for (const owner of [...standingOwners, ...capped.map(step => step.owner)]) byOwner.set(owner, (byOwner.get(owner) ?? 0) + 1)
  for (const step of capped) {
    const count = byOwner.get(step.owner) ?? 0
    if (count > limits.maxPerOwner) return `${count} for owner ${step.owner ?? '(none)'}, above the cap of ${limits.maxPerOwner} an owner${ask}`
  }
  return null
}
