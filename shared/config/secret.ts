import { inspect } from 'node:util'

const shown = '[secret]'

/** A value that no print, log, JSON or error shows. Only `reveal` gives it, where it is handed to a driver. */
export class Secret {
  #read: () => string
  #isFixed = true

  constructor(value: string) {
    this.#read = () => value
  }

  /** What it is now: ask again whenever somebody logs in. */
  reveal(): string {
    return this.#read()
  }

  /** False where it comes from a file, which may change. */
  get isFixed(): boolean {
    return this.#isFixed
  }

  /** From now on the value is what `read` gives, which must never throw. */
  follow(read: () => string): void {
    this.#read = read
    this.#isFixed = false
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
