import { z } from 'zod'
import { isAddress, secret, whole } from '../config/types.ts'

const addressError = 'expected an https:// address (http:// only for this machine)'
const name = z.string().regex(/^[A-Za-z0-9._-]{1,100}$/, { error: "expected letters, digits, '.', '_' and '-'" })
const file = z.string().min(1)

const directory = z.strictObject({
  path: z.string().min(1).describe('A directory that exists, on another volume than the cluster and Reeve.')
})

const s3 = z
  .strictObject({
    bucket: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, { error: 'expected the name of a bucket' })
      .describe('With Object Lock.'),
    prefix: z
      .string()
      .regex(/^(?:[A-Za-z0-9!_.*'()-]+\/)*$/, { error: 'expected a prefix that ends with a slash, such as reeve/' })
      .default('')
      .describe('In front of every key; ends with a slash.'),
    region: z.string().min(1).default('us-east-1'),
    endpoint: z.string().refine(isAddress, { error: addressError }).optional().describe("For another service than Amazon's."),
    pathStyle: z.boolean().default(false).describe('True: the bucket stands in the path, not in the name of the host.'),
    accessKeyId: z.string().min(1).optional().describe('Without: as the AWS SDK finds credentials (environment, web identity, role of the machine).'),
    secretAccessKey: secret.optional().describe('Give it as ${NAME} or ${file:/path}, never in the file.'),
    retainYears: whole(1, 100).default(10).describe('How long nobody can delete a checkpoint (Object Lock, compliance mode).'),
    caFile: file.optional().describe('PEM file of the authorities to trust; default: those of Node.')
  })
  .refine(({ accessKeyId, secretAccessKey }) => (accessKeyId === undefined) === (secretAccessKey === undefined), {
    error: 'accessKeyId and secretAccessKey belong together'
  })

const rfc3161 = z.strictObject({
  // The token is signed: the way that it comes needs no secrecy, and many authorities have plain http.
  url: z
    .string()
    .refine(text => URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol), { error: 'expected an http:// or https:// address' })
    .describe('Of a time-stamp authority.'),
  caFile: file.describe('PEM file of the authorities that may vouch for it. Read again when it changes.')
})

const webhook = z.strictObject({
  url: z.string().refine(isAddress, { error: addressError, abort: true }).pipe(secret).describe('Takes each checkpoint as JSON, signed; given as ${NAME}.'),
  key: secret.describe('Key of the signature, given as ${NAME}.')
})

const kinds = ['directory', 's3', 'rfc3161', 'webhook'] as const

const anchor = z
  .strictObject({
    name: name.optional().describe('What it is called in receipts and notices; default: its kind.'),
    outside: z.boolean().default(true).describe("False: the cluster's or Reeve's administrators control it too, so it proves nothing against them."),
    directory: directory.optional(),
    s3: s3.optional(),
    rfc3161: rfc3161.optional(),
    webhook: webhook.optional()
  })
  .refine(given => kinds.filter(kind => given[kind] !== undefined).length === 1, { error: `expected exactly one of ${kinds.join(', ')}` })
  .transform(given => ({ ...given, name: given.name ?? kinds.find(kind => given[kind] !== undefined)! }))

/** Where checkpoints go. */
export const anchors = z.array(anchor).superRefine((list, context) => {
  list.forEach(({ name: own }, index) => {
    if (list.findIndex(other => other.name === own) < index)
      context.addIssue({ code: 'custom', path: [index, 'name'], message: `there is an anchor ${own} already: give each a name of its own` })
  })
})

export type AnchorConfig = z.output<typeof anchors>[number]
