import type { Notice } from '../engine/agent.ts'
import type { Destination } from './notifier.ts'

/** The same destination, where the commands of a notice say which cluster they are for: with a file that governs several they must. */
export function namingCluster(destination: Destination, cluster: string): Destination {
  const named = (command: string) => command.replace(/^reeve (?=[a-z])/, `reeve --cluster ${cluster} `)
  const inside = (line: string) => line.replaceAll(/(?<=approve with: )reeve .*/g, named)
  const withName = (notice: Notice): Notice => ({ ...notice, why: notice.why.map(inside), answer: notice.answer === null ? null : named(notice.answer) })
  return {
    ...destination,
    deliver: ({ notices: [first, ...others], thread }) => destination.deliver({ notices: [withName(first), ...others.map(withName)], thread })
  }
}
