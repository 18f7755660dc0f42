import { z } from 'zod'
import { parseDuration } from '../domain/duration.ts'
import { requestKinds } from '../engine/agent.ts'
import type { Asker, Hearing } from './asker.ts'
import type { Jwks } from './jwks.ts'
import { checkBearer, type OidcRules } from './oidc.ts'
import { json, type Reply, type Request, type Route } from './route.ts'

export interface RequestsOptions {
  hearings(): readonly Hearing[]
  readonly say: Asker
  nowMs(): number
  readonly oidc: { readonly rules: OidcRules; readonly jwks: Jwks } | null
  /** Names in client certificates that may. */
  readonly clients: readonly string[]
}

const schema = z.strictObject({
  cluster: z.string().optional(),
  kind: z.enum(requestKinds),
  subject: z.string().max(1_000).default(''),
  why: z.string().min(1).max(1_000),
  for: z.string().optional()
})

/** What the command line says, by HTTP: whoever asks shows a token of the identity provider or a client certificate. */
export function requestsRoute({ hearings, say, nowMs, oidc, clients }: RequestsOptions): Route {
  /** Who it is, or the refusal. */
  async function recognise({ headers, certificateNames }: Request): Promise<{ readonly who: string; readonly by: 'oidc' | 'mtls' } | Reply> {
    const name = certificateNames.find(each => clients.includes(each))
    if (name !== undefined) return { who: `mtls:${name}`, by: 'mtls' }
    const asked = oidc ? { 'www-authenticate': 'Bearer' } : {}
    if (!oidc) return json(401, { error: 'expected a client certificate with a name of http.clients' })
    if (headers.authorization === undefined) return json(401, { error: 'expected a bearer token or a client certificate' }, asked)
    try {
      const bearer = await checkBearer(headers.authorization, oidc.rules, oidc.jwks, nowMs())
      if ('who' in bearer) return { who: bearer.who, by: 'oidc' }
      return bearer.refused === 'forbidden'
        ? json(403, { error: bearer.because }, { 'www-authenticate': 'Bearer error="insufficient_scope"' })
        : json(401, { error: bearer.because }, { 'www-authenticate': 'Bearer error="invalid_token"' })
    } catch (error) {
      return json(503, { error: (error as Error).message })
    }
  }

  return {
    path: '/v1/requests',
    async POST(request) {
      // A browser sends its certificate along with what a foreign page makes it send, but not with this type.
      if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) return json(415, { error: 'expected content-type: application/json' })
      const person = await recognise(request)
      if ('status' in person) return person
      const parsed = schema.safeParse(jsonOf(request.body))
      if (!parsed.success)
        return json(400, {
          error: 'expected JSON such as {"kind":"halt","why":"…"}',
          details: parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
        })
      const { cluster, kind, subject, why, for: holds } = parsed.data
      const forMs = holds === undefined ? undefined : parseDuration(holds)
      if (forMs === null || forMs === 0) return json(400, { error: 'for: expected a duration such as 8h' })
      const known = hearings()
      const hearing = cluster === undefined && known.length === 1 ? known[0] : known.find(({ name }) => name === cluster)
      if (!hearing)
        return json(cluster === undefined && known.length > 1 ? 400 : 503, {
          error: `cluster: expected one of ${known.map(({ name }) => name).join(', ') || '(none is reached yet)'}`
        })
      const said = await say(hearing, { kind, subject, why, forMs, ...person })
      return json(said.status, { id: said.id, said: said.what, journal: said.entries })
    }
  }
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}
