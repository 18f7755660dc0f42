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
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, found => `\\u{${found.codePointAt(0)!.toString(16)}}`)
}

/** 1234567 → 1,234,567; null → ? (unknown is not zero). */
export function count(value: number | null): string {
  return value === null ? '?' : value.toLocaleString('en-US')
}
