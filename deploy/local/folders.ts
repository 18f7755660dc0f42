import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const checkout = fileURLToPath(new URL('../..', import.meta.url))
/** Ignored by git; holds all that the stack brings, writes and leaves. */
export const localFolder = join(checkout, '.local')
