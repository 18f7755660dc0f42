import type { Reply } from './route.ts'

const headers = {
  // No script, no style, nothing from elsewhere; the form goes to this host alone and no other page may frame it.
  'content-security-policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'x-robots-tag': 'noindex'
}

/** A page of a title and paragraphs of plain text, with one form or none. */
export function page(status: number, title: string, paragraphs: readonly string[], form: { readonly button: string } | null = null): Reply {
  const asks = form
    ? `<form method="post"><p><label>Why <input name="why" maxlength="300" size="60"></label></p><p><button type="submit">${escaped(form.button)}</button></p></form>`
    : ''
  const body = paragraphs.map(paragraph => `<p>${escaped(paragraph)}</p>`).join('')
  return {
    status,
    type: 'text/html; charset=utf-8',
    headers,
    body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title></head><body><h1>${escaped(title)}</h1>${body}${asks}</body></html>\n`
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
