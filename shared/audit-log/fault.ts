/**
 * Why a log cannot be written on.
 * inconsistent: its end is not what a writer leaves. cut: it is shorter than a checkpoint that an anchor holds. key: the keys at hand are not
 * those of the log. blocked: a transaction of somebody else stays open in the partition.
 */
export type AuditLogFaultKind = 'inconsistent' | 'cut' | 'key' | 'blocked'

export class AuditLogFault extends Error {
  override readonly name = 'AuditLogFault'
  readonly kind: AuditLogFaultKind

  constructor(kind: AuditLogFaultKind, message: string) {
    super(message)
    this.kind = kind
  }
}
