/**
 * Why a log cannot be written on.
 * inconsistent: its end is not what a writer leaves. cut: it is shorter than it was, as an anchor or its writer remembers. key: the keys at hand are not
 * those of the log. blocked: a transaction of somebody else stays open in the partition. chains: the topic has another number of logs. ended: it goes on
 * in another topic. continues: the topic goes on from another one than it should, or the earlier one is empty.
 */
export type AuditLogFaultKind = 'inconsistent' | 'cut' | 'key' | 'blocked' | 'chains' | 'ended' | 'continues'

export class AuditLogFault extends Error {
  override readonly name = 'AuditLogFault'
  readonly kind: AuditLogFaultKind

  constructor(kind: AuditLogFaultKind, message: string) {
    super(message)
    this.kind = kind
  }
}
