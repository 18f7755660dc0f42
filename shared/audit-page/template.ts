import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.ts'

/** Where the data of one page go in the template of all. */
export const dataMark = '{data}'
export const templateFile = join(import.meta.dirname, 'template.html')

/** The page without data, from its sources: one file that loads nothing, and runs the one script that its policy names by its hash. */
export function buildTemplate(): string {
  const folder = join(import.meta.dirname, 'browser')
  const script = `\n${bundle(folder, 'main')}`
  const style = `\n${readFileSync(join(folder, 'page.css'), 'utf8')}`
  if (/<\/(script|style)/i.test(script + style)) throw new Error('the sources of the page hold the end of an element')
  const sha256 = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`
  const policy = [
    "default-src 'none'",
    `script-src ${sha256(script)}`,
    `style-src ${sha256(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join('; ')
  const parts: Readonly<Record<string, string>> = { policy, style, script }
  return readFileSync(join(folder, 'page.html'), 'utf8').replace(/\{(policy|style|script)\}/g, (_, part: string) => parts[part]!)
}
