import { z } from 'zod'

/** A name in a sentence: long ones by their beginning. */
export function bound(name: string): string {
  return name.length <= 120 ? name : `${name.slice(0, 120).toWellFormed()}…`
}

/** Text from outside: itself, or the first part of what was longer. */
export const text = z
  .union([
    z.string(),
    z.object({ cut: z.string(), length: z.number().int().describe('Bytes of the whole.'), sha256: z.string().describe('Of the whole, hexadecimal.') })
  ])
  .meta({ id: 'Text', description: 'Itself, or the first part of what was longer.' })

/** Any JSON. */
export const anything = z.unknown()

/** Any list, or the first items of a longer one. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.union([z.array(item), z.object({ cut: z.array(item), items: z.number().int(), sha256: z.string() })])

export const count = z.number().int().nonnegative()
/** Epoch milliseconds. */
export const moment = z.number().int()
