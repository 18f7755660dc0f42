import { pino, stdSerializers, type DestinationStream, type Logger, type LoggerOptions } from 'pino'

/** What a part needs of a logger; pino fits it, and so does a list in a test. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** Names whose values are never written, at any depth. */
const secretNames = [
  'password',
  'passphrase',
  'secret',
  'token',
  'authorization',
  'webhook',
  'slackWebhook',
  'webhookUrl',
  'redisUrl',
  'sasl',
  'privateKey',
  'clientSecret',
  'accessToken',
  'access_token'
]
const secretName = new RegExp(`^(?:${secretNames.join('|')})$`, 'i')
const deepest = 10

/** `scheme://user:password@host` anywhere in a text, and Slack's webhook addresses, whose path is the secret. */
const urlCredentials = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi
const webhookPath = /(https:\/\/hooks\.slack(?:-gov)?\.com\/)[^\s"'<>]+/gi

/** A signed token (RFC 7515): three parts, of which the first is a JSON object. */
const signedToken = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g

/** A text without the credentials that an address in it may carry, and without tokens. */
export function withoutCredentials(text: string): string {
  return text.replace(urlCredentials, '$1').replace(webhookPath, '$1[redacted]').replace(signedToken, '[redacted token]')
}

/**
 * Errors by type, message and stack only: a driver's error may carry the command or the request that failed, and with it
 * a password (ioredis puts AUTH's arguments on the error).
 */
function errorFields(error: Error): object {
  const { type, message, stack } = stdSerializers.err(error)
  return { type, message: withoutCredentials(message), stack: withoutCredentials(stack) }
}

/** A copy of what is to be written: secrets by name, credentials in any text, errors reduced. */
function redacted(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return withoutCredentials(value)
  if (value === null || typeof value !== 'object' || 'toJSON' in value) return value
  if (value instanceof Error) return errorFields(value)
  if (depth === deepest) return '[deeper]'
  if (Array.isArray(value)) return value.map(item => redacted(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, secretName.test(name) ? '[redacted]' : redacted(item, depth + 1)]))
}

/**
 * The process's logger: JSON lines with ISO 8601 times, secrets redacted by name. Give a part its own with
 * `logger.child({ part: 'observer' })`. Errors go under `err`.
 */
export function openLog(options: { level: LogLevel; to?: DestinationStream }): Logger {
  const fields = (object: object) => redacted(object) as Record<string, unknown>
  const settings: LoggerOptions = {
    level: options.level,
    base: { service: 'reeve' },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    // A child's own fields pass no formatter.
    redact: { paths: secretNames, censor: '[redacted]' },
    formatters: { level: label => ({ level: label }), log: fields },
    // Pino's own serializer of errors would write every property of the error.
    serializers: { err: error => error as unknown },
    hooks: {
      logMethod(args, method) {
        method.apply(this, args.map(argument => (typeof argument === 'string' ? withoutCredentials(argument) : argument)) as Parameters<typeof method>)
      }
    }
  }
  return options.to ? pino(settings, options.to) : pino(settings)
}
