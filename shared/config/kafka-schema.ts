import { z } from 'zod'
import { parseBroker } from '../kafka/connection.ts'
import { isAddress, secret } from './types.ts'

const file = z.string().min(1)
const passwordMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

const passwordLogin = z.strictObject({
  mechanism: z.enum(passwordMechanisms),
  username: z.string().min(1),
  password: secret.describe('Give it as ${NAME} or ${file:/path}, never in the file.')
})

/** RFC 7628 section 3.1: what would end a pair or pass for the token is no extension. */
const extensions = z.record(
  z.string().regex(/^(?!auth$)[A-Za-z]{1,100}$/, { error: 'expected letters, and not auth' }),
  z.string().regex(/^[\x20-\x7e]{1,1000}$/, { error: 'expected printable characters' })
)

const tokenLogin = z.strictObject({
  mechanism: z.literal('OAUTHBEARER'),
  tokenEndpoint: z
    .string()
    .refine(isAddress, { error: 'expected an https:// address (http:// only for this machine)' })
    .describe('Where the identity provider gives tokens for client credentials.'),
  clientId: z.string().min(1),
  clientSecret: secret.describe('Give it as ${NAME} or ${file:/path}, never in the file.'),
  scope: z.string().min(1).optional(),
  extensions: extensions.optional().describe('For Confluent Cloud: logicalCluster and identityPoolId.')
})

/** How to log in. */
export const sasl = z.discriminatedUnion('mechanism', [passwordLogin, tokenLogin], {
  error: issue => (issue.code === 'invalid_union' ? `expected ${passwordMechanisms.join(', ')} or OAUTHBEARER` : undefined)
})

const belongTogether = { error: 'certFile and keyFile belong together' }

const tlsFiles = z.strictObject({
  caFile: file.optional().describe('PEM file of the authorities to trust; default: those of Node.'),
  certFile: file.optional().describe("PEM file of Reeve's own certificate, for mutual TLS. Read again for new connections when it changes."),
  keyFile: file.optional()
})

/** TLS to anything that Reeve is a client of. */
export const clientTls = tlsFiles.refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), belongTogether)

/** TLS to the brokers. */
export const brokerTls = tlsFiles
  .extend({ servername: z.string().min(1).optional().describe("Name to expect in the brokers' certificate where it is not their address.") })
  .refine(({ certFile, keyFile }) => (certFile === undefined) === (keyFile === undefined), belongTogether)

/** A certificate of an agent's own. */
export const agentTls = z.strictObject({ certFile: file, keyFile: file })

export const brokers = z
  .array(z.string(), { error: 'expected a list of host:port' })
  .transform(list => list.flatMap(text => text.split(',').map(address => address.trim())).filter(address => address !== ''))
  .superRefine((list, context) => {
    if (list.length === 0) context.addIssue({ code: 'custom', message: 'expected at least one host:port' })
    list.forEach((address, index) => {
      try {
        parseBroker(address)
      } catch {
        // Without the address: it may come from the environment.
        context.addIssue({ code: 'custom', message: `address ${index + 1} of ${list.length}: expected host:port with a port from 1 to 65535` })
      }
    })
  })
