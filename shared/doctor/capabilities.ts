import { type Facts, known } from './facts.ts'
import { heldRights, rightText } from './held.ts'

/** One thing that Reeve does, and whether it could now. */
export interface Capability {
  readonly what: string
  /** `engine`, or the name of an agent. */
  readonly as: string
  readonly can: 'yes' | 'no' | 'unknown'
  /** What it lacks, or what keeps it from it; empty where it can. */
  readonly because: string
}

/** What Reeve could do with the rights that it has, whatever the configuration lets it do. Pure. */
export function capabilities(facts: Facts): readonly Capability[] {
  return [...facts.principals.flatMap(principal => byRights(facts, principal)), examining(facts), telling(facts), turning(facts)]
}

function byRights(facts: Facts, principal: Facts['principals'][number]): Capability[] {
  const as = principal.roles.join(', ')
  if ('why' in principal.connected) return [{ what: 'anything', as, can: 'no', because: principal.connected.why }]
  const held = heldRights(principal, known(facts.acls))
  return [...Map.groupBy(held, ({ right }) => right.enables)].map(([what, rights]) => {
    const missing = rights.filter(each => each.held === false)
    const unseen = rights.filter(each => each.held === null)
    const texts = (some: typeof rights) => some.map(({ right }) => rightText(right)).join(', ')
    if (missing.length > 0) return { what, as, can: 'no', because: `lacks ${texts(missing)}` }
    return { what, as, can: unseen.length > 0 ? 'unknown' : 'yes', because: unseen.length > 0 ? `not known: ${texts(unseen)}` : '' }
  })
}

function examining({ settings, quotas }: Facts): Capability {
  const can = (known(settings)?.size ?? 0) > 0 && 'value' in quotas
  return {
    what: "read the brokers' settings and quotas",
    as: 'engine',
    can: can ? 'yes' : 'no',
    because: can ? '' : 'lacks DESCRIBE_CONFIGS on the cluster; only this command uses it'
  }
}

function telling({ channels }: Facts): Capability {
  const open = channels.filter(({ ways }) => ways.some(({ reached }) => 'value' in reached))
  const closed = channels.filter(channel => !open.includes(channel)).map(({ channel }) => channel)
  return { what: 'tell people', as: 'engine', can: open.length === 0 ? 'no' : 'yes', because: closed.length > 0 ? `not in ${closed.join(', ')}` : '' }
}

function turning({ redis }: Facts): Capability {
  const refused = redis.findings.filter(({ level }) => level === 'refuse')
  return {
    what: 'take turns through Redis',
    as: 'engine',
    can: refused.length > 0 ? 'no' : 'yes',
    because: refused.map(({ what, found }) => `${what}: ${found}`).join(', ')
  }
}
