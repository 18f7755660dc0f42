import type { AddCommand } from '../command.ts'
import { addExport } from './export.ts'
import { addKeygen } from './keygen.ts'
import { addShow } from './show.ts'
import { addTail } from './tail.ts'
import { addVerify } from './verify.ts'

/** `reeve audit …`: reads, proves and hands out the audit log. Nothing here writes to the cluster. */
export const addAudit: AddCommand = (reeve, surroundings) => {
  const audit = reeve.command('audit').description('Read and verify the audit log.')
  for (const add of [addTail, addShow, addVerify, addExport, addKeygen]) add(audit, surroundings)
}
