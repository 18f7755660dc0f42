/** A name as it can be pasted into a shell behind a command, whatever it holds. */
export function shellWord(text: string): string {
  return /^[\w.@%+:,/-]+$/.test(text) && !text.startsWith('-') ? text : `-- '${text.replaceAll("'", `'\\''`)}'`
}
