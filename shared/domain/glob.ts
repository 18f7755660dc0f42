/** Matches a name against a glob: `*` is any run of characters, `?` is one, everything else is itself. Linear in the name's length. */
export function matchesGlob(glob: string, name: string): boolean {
  let g = 0
  let n = 0
  let starAt = -1
  let resumeAt = 0
  while (n < name.length) {
    if (glob[g] === '*') {
      starAt = g++
      resumeAt = n
    } else if (g < glob.length && (glob[g] === '?' || glob[g] === name[n])) {
      g++
      n++
    } else if (starAt >= 0) {
      g = starAt + 1
      n = ++resumeAt
    } else {
      return false
    }
  }
  while (glob[g] === '*') g++
  return g === glob.length
}
