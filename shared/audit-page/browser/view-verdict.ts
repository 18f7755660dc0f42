import { element, type PageElement } from './dom.ts'
import type { Level, Verdict } from './verdict.ts'

const marks: Readonly<Record<Level, string>> = { good: '✓', doubt: '?', bad: '✗' }

/** What is to be said of one log: a word, a sentence, and what it stands on. */
export function verdictView(origin: string, { level, word, sentence, findings }: Verdict): PageElement {
  return element(
    'article',
    { class: `verdict ${level}`, 'data-word': word },
    element(
      'p',
      { class: 'word' },
      element('span', { class: 'mark', 'aria-hidden': 'true' }, marks[level]),
      element('strong', {}, word),
      element('code', {}, origin)
    ),
    element('p', { class: 'sentence' }, sentence),
    element(
      'ul',
      { class: 'findings' },
      ...findings.map(finding =>
        element('li', { class: finding.level }, element('span', { class: 'mark', 'aria-hidden': 'true' }, marks[finding.level]), finding.text)
      )
    )
  )
}

export function workingView(origin: string, done: number, all: number): PageElement {
  return element(
    'article',
    { class: 'verdict working' },
    element('p', { class: 'word' }, element('strong', {}, `Checking ${done} of ${all} records …`), element('code', {}, origin))
  )
}
