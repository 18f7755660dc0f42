/** A table for a terminal: columns as wide as their widest cell, the last one cut to what is left of the width. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], width = Number.POSITIVE_INFINITY): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => printable(row[column] ?? '').length)))
  const line = (cells: readonly string[]) => {
    const text = cells.map((cell, column) => (column === head.length - 1 ? printable(cell) : printable(cell).padEnd(widths[column]!))).join('  ')
    return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text.trimEnd()
  }
  return [
    line(head),
    line(widths.map((columnWidth, column) => '─'.repeat(column === head.length - 1 ? head[column]!.length : columnWidth))),
    ...rows.map(line)
  ].join('\n')
}

/** Names come from strangers: control characters would drive the reader's terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g,
    found => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
}

/** 1234567 → 1,234,567; null → ? (unknown is not zero). */
export function count(value: number | null): string {
  return value === null ? '?' : value.toLocaleString('en-US')
}
