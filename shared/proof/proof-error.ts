/** Something that is not what it claims to be, or not proven, in one sentence that says where. */
export class ProofError extends Error {
  override readonly name = 'ProofError'
  /** The first entry, counted from 0, that is known to be wrong; null where the fault has no such place. */
  readonly index: number | null

  constructor(message: string, index: number | null = null) {
    super(message)
    this.index = index
  }
}
