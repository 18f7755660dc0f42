import { inspect } from 'node:util'

const shown = '[secret]'

/** A value that no print, log, JSON or error shows. Only `reveal` gives it, where it is handed to a driver. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [Symbol.toPrimitive](): string {
    return shown
  }

  [inspect.custom](): string {
    return shown
  }
}
