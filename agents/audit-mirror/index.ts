import { defineStream } from '#shared/engine/stream.ts'
import { auditLog } from './audit-log.ts'
import { auditGround } from './ground.ts'
import { measures } from './measures.ts'
import { policySchema } from './policy.ts'
import { rights } from './rights.ts'
import { openSink } from './sink.ts'
import { openSource } from './source.ts'
import { transform } from './transform.ts'

/** Writes what happened to the cluster into a topic, exactly once, in a chain that nobody can bend unseen. */
export const auditMirror = defineStream({
  name: 'audit-mirror',
  about: 'Mirrors what happened to the cluster into an audit topic, exactly once, in a chain that nobody can bend unseen.',
  policy: policySchema,
  rights,
  source: openSource,
  transform,
  sink: openSink,
  measures,
  auditLog,
  auditGround
})
