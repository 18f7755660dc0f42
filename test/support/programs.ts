import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { localFolder } from '#deploy/local/folders.ts'

/** Where a program is that not every machine has: on the PATH, or in the folder of .local that .ci/run brings it to. Null: nowhere. */
export function programAt(name: string, folder: string): string | null {
  const folders = [join(localFolder, folder), ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders.map(each => join(each, name)).find(isProgram) ?? null
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
