/** What this page uses of a browser's document. */
export interface PageElement {
  textContent: string | null
  value: string
  hidden: boolean
  readonly files: { readonly [index: number]: { text(): Promise<string> } } | null
  append(...children: (PageElement | string)[]): void
  replaceChildren(...children: (PageElement | string)[]): void
  after(...siblings: PageElement[]): void
  remove(): void
  focus(): void
  scrollIntoView(options: { readonly block: 'nearest' }): void
  setAttribute(name: string, value: string): void
  getAttribute(name: string): string | null
  addEventListener(type: string, listener: (event: PageEvent) => void): void
}

export interface PageEvent {
  readonly key: string
  readonly dataTransfer: { readonly files: { readonly [index: number]: { text(): Promise<string> } }; getData(type: string): string } | null
  preventDefault(): void
}

interface PageDocument {
  title: string
  createElement(tag: string): PageElement
  createElementNS(space: string, tag: string): PageElement
  getElementById(id: string): PageElement | null
}

export const page = (globalThis as unknown as { readonly document: PageDocument }).document

type Attributes = Readonly<Record<string, string | number | boolean | null>>
type Child = PageElement | string | null

/** An element with text and elements in it. Texts become text nodes, and what cannot be seen in them is made visible. */
export function element(tag: string, attributes: Attributes, ...children: readonly Child[]): PageElement {
  return filled(page.createElement(tag), attributes, children)
}

export function drawn(tag: string, attributes: Attributes, ...children: readonly Child[]): PageElement {
  return filled(page.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children)
}

export function byId(id: string): PageElement {
  const found = page.getElementById(id)
  if (!found) throw new Error(`the page has no element ${id}`)
  return found
}

/** Control characters, and those that turn the direction of text or take no room, as their code. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\ud800-\udfff]/gu, one => (one === '\n' ? one : `\\u{${one.codePointAt(0)!.toString(16)}}`))
}

function filled(made: PageElement, attributes: Attributes, children: readonly Child[]): PageElement {
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== false) made.setAttribute(name, value === true ? '' : name === 'value' ? String(value) : visible(String(value)))
  made.append(...children.filter(child => child !== null).map(child => (typeof child === 'string' ? visible(child) : child)))
  return made
}
