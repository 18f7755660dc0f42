/** What a policy says cannot be done, whatever the cluster is like: whoever starts it again without another configuration comes to the same end. */
export class PolicyMistake extends Error {
  override readonly name = 'PolicyMistake'
}
