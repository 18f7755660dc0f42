const columnWidth = 8.4
const lineHeight = 19
const margin = 18
/** Words that a state column holds, and their colours. */
const colours: Readonly<Record<string, string>> = { fine: '#3fb950', told: '#d29922', paused: '#f85149', trial: '#58a6ff', behind: '#d29922' }

/** A screen of text as an SVG picture. Pure. */
export function pictureOf(screen: string): string {
  const lines = screen.split('\n')
  const width = Math.ceil(Math.max(...lines.map(line => line.length)) * columnWidth + 2 * margin)
  const height = lines.length * lineHeight + 2 * margin
  const texts = lines.map((line, index) => `<text x="${margin}" y="${margin + (index + 0.75) * lineHeight}">${coloured(line)}</text>`)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">`,
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    '<g fill="#c9d1d9" xml:space="preserve">',
    ...texts,
    '</g>',
    '</svg>',
    ''
  ].join('\n')
}

/** The first word that is a state, alone between two spaces on each side, takes its colour. */
function coloured(line: string): string {
  const found = new RegExp(`(?<=\\s{2})(${Object.keys(colours).join('|')})(?=\\s{2})`).exec(line)
  if (!found) return escaped(line)
  const end = found.index + found[0].length
  return `${escaped(line.slice(0, found.index))}<tspan fill="${colours[found[0]]}">${escaped(found[0])}</tspan>${escaped(line.slice(end))}`
}

/** XML 1.0 allows no control characters, not even as references. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, found => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[found]!).replaceAll(/\p{Cc}|\p{Cs}/gu, '\u{FFFD}')
}
