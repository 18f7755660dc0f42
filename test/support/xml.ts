/** Elements of a text that is well-formed XML without a document type; throws at the first place where it is not. */
export function xmlElements(text: string): { readonly name: string; readonly attributes: Readonly<Record<string, string>>; readonly text: string }[] {
  // XML 1.0, production 2: what a document may hold at all.
  const illegal = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.exec(text)
  if (illegal) throw new Error(`a character that XML does not allow at ${illegal.index}`)
  const found: { name: string; attributes: Record<string, string>; text: string }[] = []
  const open: typeof found = []
  const token = /<(\/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy
  while (token.lastIndex < text.length) {
    const at = token.lastIndex
    const match = token.exec(text)
    if (!match) throw new Error(`not well-formed at ${at}: ${text.slice(at, at + 40)}`)
    const [, closing, name, attributes, empty, characters] = match
    for (const part of [characters ?? '', attributes ?? '']) {
      const bare = /&(?!(?:amp|lt|gt|quot|apos|#\d+);)|\]\]>/.exec(part)
      if (bare) throw new Error(`a bare ${bare[0]} near ${at}`)
    }
    if (characters !== undefined) {
      const inside = open.at(-1)
      if (inside) inside.text += unescaped(characters)
      else if (characters.trim() !== '') throw new Error(`text outside of the root at ${at}`)
    } else if (closing) {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing at ${at}`)
    } else {
      if (open.length === 0 && found.length > 0) throw new Error(`a second root at ${at}`)
      const element = { name: name!, attributes: {} as Record<string, string>, text: '' }
      for (const [, key, value] of attributes!.matchAll(/([\w:.-]+)="([^"]*)"/g)) {
        if (Object.hasOwn(element.attributes, key!)) throw new Error(`${key} twice at ${at}`)
        element.attributes[key!] = unescaped(value!)
      }
      found.push(element)
      if (!empty) open.push(element)
    }
  }
  if (open.length > 0) throw new Error(`<${open.at(-1)!.name}> is not closed`)
  return found
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescaped(text: string): string {
  return text.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) => (code ? String.fromCodePoint(Number(code)) : entities[name]!))
}
