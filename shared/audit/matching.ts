import { type Claim, type ClaimedChange, type Traits, unsaid } from './claim.ts'
import type { OpenChange } from './open-change.ts'

/**
 * How well a line fits a change.
 *
 * | rank | the line                                                                                                       |
 * | ---- | -------------------------------------------------------------------------------------------------------------- |
 * | 4    | says that this very topic, by its id, was changed so                                                           |
 * | 3    | says of the resource by its name, or of the ACL by all its parts, that it was changed so                       |
 * | 2    | names the resource, and says no more than that it was allowed, or was asked for                                |
 * | 1    | names no resource: a right on the cluster                                                                      |
 * | 0    | does not fit: another kind of change, another resource, id, ACL, setting or value, refused, or outside its time |
 *
 * | certainty   | the best rank                                                                                              |
 * | ----------- | ---------------------------------------------------------------------------------------------------------- |
 * | `exact`     | 3 or 4, and one candidate alone has it                                                                     |
 * | `probable`  | 1 or 2 and one candidate alone has it; or several have the best rank, whatever it is, all of one principal |
 * | `ambiguous` | candidates of several principals have it                                                                   |
 * | `none`      | there is no candidate                                                                                      |
 *
 * A candidate all of whose lines a client's text could have made, and of which no second kind of source tells, is `probable` at best,
 * and `ambiguous` beside a candidate of another principal.
 */
export type Certainty = 'exact' | 'probable' | 'ambiguous' | 'none'

/** Who may have made a change. All lines of one request are one candidate. */
export interface Candidate {
  readonly principal: string | null
  readonly address: string | null
  readonly clientId: string | null
  readonly operation: string
  readonly requestUid: string | null
  readonly rank: number
  readonly hearsay: boolean
  /** Places of the lines, sorted. */
  readonly evidence: readonly string[]
}

export interface Judgement {
  readonly certainty: Certainty
  /** The best first, then by their evidence. */
  readonly candidates: readonly Candidate[]
}

/** Times of lines and changes come from different clocks. */
export interface MatchOptions {
  readonly skewMs: number
}

export function rankOf(claim: Claim, change: OpenChange, { skewMs }: MatchOptions): number {
  if (!inTime(claim, claim.atMs, change, skewMs) && !(claim.orMs !== null && inTime(claim, claim.orMs, change, skewMs))) return 0
  let best = 0
  for (const claimed of claim.changes) best = Math.max(best, rankOfChange(claimed, change))
  return best
}

function inTime({ beforeMs, afterMs }: Claim, atMs: number, { earliestMs, timestampMs }: OpenChange, skewMs: number): boolean {
  return atMs - beforeMs - skewMs <= timestampMs && earliestMs <= atMs + afterMs + skewMs
}

function rankOfChange(claimed: ClaimedChange, change: OpenChange): number {
  if (!claimed.kinds.includes(change.kind)) return 0
  if (claimed.resourceType === null) return ownRight.has(change.resourceType) && change.kind === 'config-changed' ? 0 : 1
  if (claimed.resourceType !== change.resourceType) return 0
  if (claimed.traits !== null && change.traits !== null && !agree(change.kind, claimed.traits, change.traits)) return 0
  if (claimed.id !== null && change.id !== null && change.resourceType === 'topic') return claimed.id !== change.id ? 0 : claimed.done ? 4 : 2
  if (change.resourceType === 'acl') return claimed.traits === null || change.traits === null ? 1 : claimed.done ? 3 : 2
  if (claimed.name === null || change.name === null) return 1
  return claimed.name !== change.name ? 0 : claimed.done ? 3 : 2
}

/** Settings of these need a right on the resource itself, not one on the cluster. */
const ownRight: ReadonlySet<string> = new Set(['topic', 'group'])

/** An ACL must agree in all its parts; of settings one is enough, for the controller may write two requests as one change. */
function agree(kind: OpenChange['kind'], claimed: Traits, changed: Traits): boolean {
  const same = (name: string): boolean =>
    Object.hasOwn(claimed, name) && Object.hasOwn(changed, name) && (claimed[name] === unsaid || changed[name] === unsaid || claimed[name] === changed[name])
  return kind === 'config-changed' ? Object.keys(changed).some(same) : Object.keys(changed).every(same)
}

/** Who made a change, by what there is. The order of the claims does not matter. */
export function judge(claims: Iterable<Claim>, change: OpenChange, options: MatchOptions): Judgement {
  const fitting: Fitting[] = []
  if (!change.late)
    for (const claim of claims) {
      const rank = rankOf(claim, change, options)
      if (rank > 0) fitting.push({ claim, rank })
    }
  fitting.sort((one, other) => compareText(one.claim.coordinate, other.claim.coordinate))
  const candidates = grouped(fitting)
    .map(candidateOf)
    .sort((one, other) => other.rank - one.rank || compareText(one.evidence[0]!, other.evidence[0]!))
  return { certainty: certaintyOf(candidates), candidates }
}

interface Fitting {
  readonly claim: Claim
  readonly rank: number
}

/** Lines of one request together; lines that carry no request with one of the same principal and address, else by these alone. */
function grouped(fitting: readonly Fitting[]): Fitting[][] {
  const requests = new Map<string, Fitting[]>()
  const others: Fitting[] = []
  for (const each of fitting) {
    const { requestKey } = each.claim
    if (requestKey === null) others.push(each)
    else requests.set(requestKey, [...(requests.get(requestKey) ?? []), each])
  }
  const groups = [...requests.values()]
  const journal = others.filter(({ claim }) => claim.source === 'journal')
  const accesses = others.filter(({ claim }) => claim.source !== 'journal')
  for (const each of [...journal, ...accesses]) {
    const home = groups.find(group => group.some(({ claim }) => samePerson(claim, each.claim)))
    if (home) home.push(each)
    else groups.push([each])
  }
  return groups
}

/** An address that is not known is that of the other. */
function samePerson(one: Claim, other: Claim): boolean {
  return one.principal !== null && one.principal === other.principal && (one.address === null || other.address === null || one.address === other.address)
}

function candidateOf(group: readonly Fitting[]): Candidate {
  const { claim, rank } = group.reduce((best, each) => (each.rank > best.rank ? each : best))
  const known = <Part>(part: (each: Claim) => Part | null): Part | null =>
    part(claim) ?? group.map(each => part(each.claim)).find(each => each !== null) ?? null
  return {
    principal: known(each => each.principal),
    address: known(each => each.address),
    clientId: known(each => each.clientId),
    operation: claim.operation,
    requestUid: known(each => each.requestUid),
    rank,
    hearsay: group.every(each => each.claim.forgeable) && new Set(group.map(each => each.claim.source)).size < 2,
    evidence: group.map(each => each.claim.coordinate).sort(compareText)
  }
}

function certaintyOf(candidates: readonly Candidate[]): Certainty {
  const [best] = candidates
  if (best === undefined) return 'none'
  const onePrincipal = (of: readonly Candidate[]): boolean => best.principal !== null && of.every(({ principal }) => principal === best.principal)
  const equals = candidates.filter(({ rank }) => rank === best.rank)
  if (equals.some(({ hearsay }) => hearsay) && !onePrincipal(candidates) && candidates.length > 1) return 'ambiguous'
  if (equals.length > 1) return onePrincipal(equals) ? 'probable' : 'ambiguous'
  return best.rank >= 3 && !best.hearsay ? 'exact' : 'probable'
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
