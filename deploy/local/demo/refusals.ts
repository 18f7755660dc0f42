import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Lines in which an authorizer refused a principal of Reeve; null where the brokers keep no such log here. */
export async function refusals(folder: string): Promise<string[] | null> {
  const files = (await readdir(folder)).filter(name => name.endsWith('-authorizer.log'))
  if (files.length === 0) return null
  const texts = await Promise.all(files.map(name => readFile(join(folder, name), 'utf8')))
  return texts.flatMap(text => text.split('\n').filter(line => /User:reeve-\S+ is Denied/.test(line)))
}
