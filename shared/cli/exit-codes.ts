/** What the process ends with. Documented in the README. */
export const exitCodes = {
  ok: 0,
  /** Something failed while it was done. */
  failed: 1,
  /** Wrong words on the command line. */
  usage: 2,
  /** The configuration has mistakes; all are printed. */
  configuration: 3,
  /** Kafka cannot be reached, or refuses the user or the right. */
  unreachable: 4,
  /** Written, but nobody took it up in time; or nothing is known under that name. */
  unanswered: 5,
  /** `doctor` found an error. */
  unsound: 6,
  /** An audit log is not right: the first bad sequence and its reason are printed. */
  doubtful: 7,
  /** An audit log is right by its own records alone: no anchor outside the cluster says so. */
  unanchored: 8,
  /** Ended by Ctrl-C before it was through; what was found so far is printed. */
  interrupted: 130
} as const

/** Ends a command with a sentence and a code; nothing else in the command line ends the process. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly exitCode: number
  readonly details: readonly string[]
  /** The command has printed its answer, in JSON where that was asked for. */
  readonly answered: boolean

  constructor(exitCode: number, message: string, details: readonly string[] = [], { answered = false } = {}) {
    super(message)
    this.exitCode = exitCode
    this.details = details
    this.answered = answered
  }
}
