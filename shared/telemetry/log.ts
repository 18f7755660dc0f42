import { pino, stdSerializers, type DestinationStream, type Logger } from 'pino'

/** What a part needs of a logger; pino fits it, and so does a list in a test. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** Names whose values are never written, at the top and up to three levels down. */
const secretNames = ['password', 'passphrase', 'secret', 'token', 'authorization', 'webhook', 'slackWebhook', 'webhookUrl', 'redisUrl', 'sasl', 'privateKey', 'key.pem']
const paths = secretNames.flatMap(name => {
  const quoted = `["${name}"]`
  return [quoted, `*${quoted}`, `*.*${quoted}`, `*.*.*${quoted}`]
})

/** `scheme://user:password@host` anywhere in a text, and Slack's webhook addresses, whose path is the secret. */
const urlCredentials = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi
const webhookPath = /(https:\/\/hooks\.slack(?:-gov)?\.com\/)[^\s"'<>]+/gi

/** A text without the credentials that an address in it may carry. */
export function withoutCredentials(text: string): string {
  return text.replace(urlCredentials, '$1').replace(webhookPath, '$1[redacted]')
}

/**
 * Errors by type, message and stack only: a driver's error may carry the command or the request that failed, and with it
 * a password (ioredis puts AUTH's arguments on the error).
 */
function errorFields(error: unknown): object {
  if (!(error instanceof Error)) return { message: withoutCredentials(String(error)) }
  const { type, message, stack } = stdSerializers.err(error)
  return { type, message: withoutCredentials(message), stack: withoutCredentials(stack) }
}

/**
 * The process's logger: JSON lines with ISO 8601 times, secrets redacted by name. Give a part its own with
 * `logger.child({ part: 'observer' })`. Errors go under `err` or `error`.
 */
export function openLog(options: { level: LogLevel; to?: DestinationStream }): Logger {
  const settings = {
    level: options.level,
    base: { service: 'reeve' },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths, censor: '[redacted]' },
    serializers: { err: errorFields, error: errorFields }
  }
  return options.to ? pino(settings, options.to) : pino(settings)
}
