import { defineAgent } from '#shared/engine/agent.ts'
import { effects } from './actions.ts'
import { decide } from './decide.ts'
import { simulation } from './facts/past.ts'
import { observe } from './observe.ts'
import { policySchema } from './policy.ts'
import { rights } from './rights.ts'

/** Tells the owners of consumer groups in trouble; where policy says so, pauses the harmful ones and gives them back. */
export const consumerGuardian = defineAgent({
  name: 'consumer-guardian',
  about: 'Tells the owners of consumer groups that are in trouble, and where policy allows it pauses the harmful ones and gives them back.',
  policy: policySchema,
  rights,
  observe,
  decide,
  effects,
  simulation
})
