/** Where the SDK says what it does; a pino logger and `console` both fit. Never throws into the consumer. */
export interface SdkLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
