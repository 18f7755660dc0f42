import type { PersonRequest } from './agent.ts'
import type { RefusedPlan } from './intend.ts'
import { type ProvenBy, provenBy } from './seal.ts'
import type { StateStore } from './state.ts'

/** Who may approve a plan or lift the kill switch. */
export interface ApprovalRules {
  /** Not the one who asked for it. */
  readonly otherPerson: boolean
  /** Only somebody whose name was proven. */
  readonly proven: boolean
  /** Keys of the seals by which the HTTP port proves names, as they are now. */
  keys(): readonly string[]
}

/** How a request's name was proven (null: it is claimed), and why the request is refused, in one sentence; null: it counts. */
export function judgeRequest(
  store: StateStore,
  request: PersonRequest,
  rules: ApprovalRules,
  scope: string,
  nowMs: number
): { by: ProvenBy | null; refused: string | null } {
  const by = provenBy(request, scope, rules.keys())
  const { kind, who, subject } = request
  // A sealed record that somebody copies is known by its id until then, and too old after.
  if (by !== null && (request.onceUntilMs === undefined || nowMs >= request.onceUntilMs)) return { by, refused: 'it was said too long ago' }
  if (kind !== 'approve' && kind !== 'unhalt') return { by, refused: null }
  const what = kind === 'approve' ? 'approve it' : 'lift it'
  if (rules.proven && (by === null || by === 'link'))
    return { by, refused: `who ${who} is was not proven, and approvals.proven asks for it: ${what} with OIDC, a client certificate or a button in Slack` }
  if (!rules.otherPerson) return { by, refused: null }
  const halt = store.get('halt') as { readonly who: string } | undefined
  if (kind === 'unhalt' && halt?.who === who) return { by, refused: `${who} set the kill switch, so another person must ${what} (approvals.otherPerson)` }
  const asked = [...store.entries('plan/')].some(([, value]) => {
    const plan = value as unknown as RefusedPlan
    return plan.checksum === subject && plan.askedBy?.includes(who)
  })
  if (kind === 'approve' && asked) return { by, refused: `${who} asked for what this plan does, so another person must ${what} (approvals.otherPerson)` }
  return { by, refused: null }
}
