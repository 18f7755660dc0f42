/**
 * Partitions by topic from the MemberAssignment bytes of the classic consumer protocol (ConsumerProtocolAssignment.json):
 * version int16, then an array of topic string and int32 partitions, then user data. Any client writes these bytes, and the
 * broker never looks at them: what does not decode is an empty assignment, never an error.
 */
export function decodeConsumerAssignment(bytes: Buffer): ReadonlyMap<string, readonly number[]> {
  const assigned = new Map<string, number[]>()
  let at = 2
  const count = int32(at)
  if (count === null || count < 0) return new Map()
  at += 4
  for (let index = 0; index < count; index++) {
    const length = at + 2 <= bytes.length ? bytes.readInt16BE(at) : -1
    const partitions = int32(at + 2 + length)
    if (length < 0 || partitions === null || partitions < 0) return new Map()
    const topic = bytes.toString('utf8', at + 2, at + 2 + length)
    at += 2 + length + 4
    if (at + partitions * 4 > bytes.length) return new Map()
    const list = assigned.get(topic) ?? []
    for (const end = at + partitions * 4; at < end; at += 4) list.push(bytes.readInt32BE(at))
    assigned.set(topic, list)
  }
  return assigned

  function int32(position: number): number | null {
    return position >= 0 && position + 4 <= bytes.length ? bytes.readInt32BE(position) : null
  }
}
