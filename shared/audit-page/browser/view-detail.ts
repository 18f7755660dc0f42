import { differencesOf } from './differences.ts'
import { element, type PageElement } from './dom.ts'
import { isMembers, type Members } from './json.ts'
import { listIn, membersIn, type Row, unmappedOf, wordOf } from './rows.ts'
import { momentOf } from './timeline.ts'

/** All of one entry: the seven Ws, before and after, what follows, who may have made it, its place in the chain, and its bytes. */
export function detailView(row: Row): PageElement {
  const unmapped = unmappedOf(row)
  const differences = differencesOf(unmapped['before'], unmapped['after'])
  const { consequence } = unmapped
  const attribution = row.attribution ?? (row.change ? row : null)
  return element(
    'div',
    { class: 'entry' },
    row.message === '' ? null : element('p', { class: 'message' }, row.message),
    element('section', {}, element('h3', {}, 'Seven Ws'), sevenWs(row)),
    differences && element('section', {}, element('h3', {}, 'Before and after'), differenceTable(differences)),
    consequence === undefined || consequence === null
      ? null
      : element('section', { class: 'consequence' }, element('h3', {}, 'What follows'), tree(consequence)),
    attribution && attributionView(attribution, row),
    row.type === 'audit.gap' ? element('section', { class: 'gap' }, element('h3', {}, 'What was lost'), tree(unmapped)) : null,
    element('section', {}, element('h3', {}, 'Place in the chain'), place(row)),
    element('details', {}, element('summary', {}, 'The entry as it was signed'), element('pre', { tabindex: 0 }, pretty(row)))
  )
}

function sevenWs(row: Row): PageElement {
  const { attribution } = row
  const made = (one: string, other: string | undefined): string => one || (other ? `${other} (by attribution)` : 'not known')
  return pairs([
    ['Who', [made(row.who, attribution?.who), row.client].filter(Boolean).join(' as ')],
    ['What', row.what || 'not known'],
    ['When', row.atMs === null ? 'not known' : `${momentOf(row.atMs)} UTC, told by ${row.source}`],
    ['Where', made(row.where, attribution?.where)],
    ['How', row.how || 'not known'],
    ['Why', made(row.why, attribution?.why)],
    ['Result', [row.result === 'unknown' ? 'not known' : row.result, row.code].filter(Boolean).join(', ')]
  ])
}

function differenceTable(differences: NonNullable<ReturnType<typeof differencesOf>>): PageElement {
  return element(
    'table',
    { class: 'differences' },
    element('thead', {}, element('tr', {}, ...['', 'Before', 'After'].map(name => element('th', { scope: 'col' }, name)))),
    element(
      'tbody',
      {},
      ...differences.map(({ name, before, after, changed }) =>
        element('tr', { class: changed ? 'changed' : 'same' }, element('th', { scope: 'row' }, name), element('td', {}, before), element('td', {}, after))
      )
    )
  )
}

function attributionView(attribution: Row, row: Row): PageElement {
  const unmapped = unmappedOf(attribution)
  const other = row === attribution ? row.change! : attribution
  const candidates = listIn(unmapped['candidates']).filter(isMembers)
  const head = ['Principal', 'Address', 'Client', 'Operation', 'Rank', 'Evidence']
  return element(
    'section',
    {},
    element('h3', {}, 'Who made the change'),
    element(
      'p',
      {},
      `${attribution.message} Certainty: ${wordOf(unmapped['certainty'])}. Told by entry ${attribution.sequence}, about entry ${(row.change ?? row).sequence}.`
    ),
    candidates.length === 0
      ? null
      : element(
          'table',
          { class: 'differences' },
          element('thead', {}, element('tr', {}, ...head.map(name => element('th', { scope: 'col' }, name)))),
          element(
            'tbody',
            {},
            ...candidates.map(one =>
              element(
                'tr',
                {},
                ...[one['principal'], one['address'], one['clientId'], one['operation'], one['rank'], listIn(one['evidence']).map(wordOf).join(', ')].map(
                  value => element('td', {}, wordOf(value))
                )
              )
            )
          )
        ),
    other.partition === row.partition ? null : element('p', {}, `It stands in partition ${other.partition}.`)
  )
}

function place({ sequence, partition, eventId, causationId, value }: Row): PageElement {
  const [first] = listIn(membersIn(value, 'payload')['attestation_list'])
  const attestation = isMembers(first) ? first : {}
  const hashOf = (name: string, within = attestation): string => wordOf(membersIn(within, name)['value'])
  const previous = membersIn(attestation, 'prev_event')
  return pairs([
    ['Sequence', `${sequence} of partition ${partition}`],
    ['Fingerprint', hashOf('fingerprint')],
    ['Before it', hashOf('fingerprint', previous)],
    ['Event', eventId],
    ['About', causationId ?? ''],
    ['Coordinate', wordOf(membersIn(membersIn(value, 'payload'), 'unmapped')['coordinate'])]
  ])
}

function pairs(list: readonly (readonly [string, string])[]): PageElement {
  return element('dl', {}, ...list.filter(([, text]) => text !== '').flatMap(([name, text]) => [element('dt', {}, name), element('dd', {}, text)]))
}

/** JSON as nested lists. */
function tree(value: unknown, depth = 0): PageElement {
  if (depth > 12) return element('span', {}, wordOf(value))
  if (Array.isArray(value)) {
    if (value.length === 0) return element('span', { class: 'faint' }, 'none')
    if (value.every(one => typeof one !== 'object')) return element('span', {}, value.map(wordOf).join(' · '))
    return element('ol', {}, ...value.map(one => element('li', {}, tree(one, depth + 1))))
  }
  if (depth > 0 && isMembers(value) && !nests(value) && !('cut' in value))
    return element(
      'span',
      {},
      ordered(value)
        .map(name => `${spaced(name)} ${wordOf(value[name])}`)
        .join(', ')
    )
  if (isMembers(value) && !('cut' in value))
    return element(
      'dl',
      {},
      ...ordered(value).flatMap(name => [
        element('dt', {}, spaced(name)),
        element('dd', { class: nests(value[name]) ? 'nested' : `is-${name.toLowerCase()}` }, tree(value[name], depth + 1))
      ])
    )
  return element('span', { class: value === true ? 'yes' : '' }, value === null ? 'none' : value === true ? 'yes' : value === false ? 'no' : wordOf(value))
}

/** Whether it takes more than a line. */
function nests(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(one => typeof one === 'object')
  if (!isMembers(value) || 'cut' in value) return false
  const members = Object.values(value)
  return members.length > 3 || members.some(one => typeof one === 'object' && one !== null)
}

/** Names as they stand, but for what was, which comes before what is. */
function ordered(value: Members): string[] {
  const names = Object.keys(value)
  return ['before', 'after'].filter(name => names.includes(name)).concat(names.filter(name => name !== 'before' && name !== 'after'))
}

/** `offsetsNewlyDeletable` as words. */
function spaced(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, (_, one: string, other: string) => `${one} ${other.toLowerCase()}`)
}

function pretty({ value, text }: Row): string {
  return Object.keys(value).length === 0 ? text : JSON.stringify(value, null, 2)
}
