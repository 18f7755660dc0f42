import { z } from 'zod'
import { durationBetween } from './duration.ts'
import { isAddress, optionalSecret, whole } from './types.ts'

const address = z.string().refine(isAddress, { error: 'expected an https:// address (http:// only for this machine)' })
const file = z.string().min(1)

/** The port of the process. /metrics, /healthz and /readyz are open; whatever changes something asks who it is. */
export const http = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: whole(0, 65_535).default(9_400),
    publicUrl: address.optional().describe("Where people's browsers reach this port; without it messages carry no links."),
    tls: z
      .strictObject({
        certFile: file.describe('PEM file of the certificate; read again when it changes.'),
        keyFile: file,
        clientCaFile: file.optional().describe('PEM file of the authority of client certificates, for mutual TLS.')
      })
      .optional()
      .describe('HTTPS in place of HTTP.'),
    keys: z
      .array(optionalSecret)
      .default([])
      .refine(keys => keys.every(key => key === null || key.reveal().length >= 32), {
        error: 'expected keys of at least 32 characters, such as openssl rand -hex 32 gives'
      })
      .describe('Keys of links and of proven names, the same for every replica. The first signs; put a new one before it and drop the old one a day later.'),
    linksValidFor: durationBetween({ leastMs: 60_000, mostMs: 30 * 86_400_000 })
      .prefault('24h')
      .describe('How long the links and buttons of a message work.'),
    oidc: z
      .strictObject({
        issuer: address.describe('As the tokens name it.'),
        audience: z.string().min(1),
        jwksUrl: address.optional().describe("Where the keys are; default: as the issuer's discovery says."),
        require: z
          .strictObject({ claim: z.string().min(1), value: z.string().min(1) })
          .optional()
          .describe('A claim, with dots for parts within, that must be this value or hold it.'),
        nameClaim: z.string().min(1).default('sub').describe('The claim that the journal names people by.')
      })
      .optional()
      .describe('POST /v1/requests with a bearer token of this identity provider.'),
    clients: z
      .array(z.string().min(1))
      .default([])
      .describe('POST /v1/requests with a client certificate of one of these names: CN=…, DNS:…, email:… or URI:….')
  })
  .refine(({ oidc, clients, keys }) => (oidc === undefined && clients.length === 0) || keys.some(key => key !== null), {
    error: 'needs a key, to seal what people say',
    path: ['keys']
  })
  .refine(({ clients, tls }) => clients.length === 0 || tls?.clientCaFile !== undefined, { error: 'needs http.tls.clientCaFile', path: ['clients'] })

/** Who may approve a plan or lift the kill switch. */
export const approvals = z.strictObject({
  otherPerson: z.boolean().default(true).describe('Whoever asked for it, or set the kill switch, is not the one who approves it or lifts it.'),
  proven: z.boolean().default(false).describe('Only a proven name (HTTP with OIDC or mTLS, Slack) approves or lifts; what the command line says is a claim.')
})

export type HttpConfig = z.output<typeof http>
export type ApprovalsConfig = z.output<typeof approvals>

/** The keys as they are now, without the empty ones; the first signs. */
export function keysOf({ keys }: Pick<HttpConfig, 'keys'>): readonly string[] {
  return keys.flatMap(key => key?.reveal() ?? [])
}
