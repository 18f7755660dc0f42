import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type Anchor,
  type AnchoredCheckpoint,
  AnchorError,
  fileOf,
  folderOf,
  type HeldCheckpoint,
  type HeldStamp,
  requireSameTree,
  sha256Hex,
  sizeOfFile,
  stampFileOf
} from './anchor.ts'

export interface DirectoryOptions {
  readonly name: string
  readonly outside: boolean
  /** It must exist: where a volume is not mounted nothing may be written beneath. */
  readonly path: string
}

/** A directory on another volume: `<path>/<origin, percent-encoded>/<size in 16 digits>.checkpoint`, each written whole, once, and synced. */
export function directoryAnchor({ name, outside, path }: DirectoryOptions): Anchor {
  const place = `the directory ${path}`
  const said = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException
      throw code === undefined ? error : new AnchorError(`${place} cannot be used: ${code}`, code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS', error)
    })

  async function check(): Promise<string[]> {
    const { dev } = await stat(path)
    // The slash makes a file that is no directory say so.
    await access(`${path}/`, constants.W_OK | constants.X_OK)
    const { dev: own } = await stat(process.cwd())
    return dev === own ? [`${place} lies on the volume that Reeve runs from: one loss, or one administrator, takes both`] : []
  }

  async function put(checkpoint: AnchoredCheckpoint): Promise<boolean> {
    await access(path, constants.W_OK)
    const file = join(path, folderOf(checkpoint.origin), fileOf(checkpoint.size))
    if (await writeOnce(file, checkpoint.text)) return false
    requireSameTree(file, checkpoint, await readFile(file))
    return true
  }

  /** False: something lies there already. */
  async function writeOnce(file: string, bytes: Uint8Array): Promise<boolean> {
    const folder = dirname(file)
    if ((await mkdir(folder, { recursive: true })) !== undefined) await syncFolder(path)
    const part = join(folder, `.${randomBytes(9).toString('hex')}.part`)
    try {
      await writeSynced(part, bytes)
      await link(part, file)
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return false
    } finally {
      await unlink(part).catch(ignoreMissing)
      // Also where it was there: whoever wrote it may have died before this.
      await syncFolder(folder)
    }
  }

  async function keepStamp({ origin, size }: AnchoredCheckpoint, by: string, token: Uint8Array): Promise<void> {
    await access(path, constants.W_OK)
    await writeOnce(join(path, folderOf(origin), stampFileOf(size, by)), token)
  }

  async function stamps(origin: string): Promise<HeldStamp[]> {
    const folder = join(path, folderOf(origin))
    await access(path)
    const names = await readdir(folder).catch((error: unknown) => ignoreMissing(error) ?? [])
    return names.flatMap(file => {
      const [, size, by] = /^(\d{16})\.(.+)\.tst$/.exec(file) ?? []
      return size === undefined || by === undefined ? [] : [{ size: Number(size), by, location: join(folder, file) }]
    })
  }

  async function list(origin: string, fromSize = 0): Promise<HeldCheckpoint[]> {
    const folder = join(path, folderOf(origin))
    // A volume that is away must not look like one that holds nothing.
    await access(path)
    const names = await readdir(folder).catch((error: unknown) => ignoreMissing(error) ?? [])
    const held = names.flatMap(file => {
      const size = sizeOfFile(file)
      return size === null || size < fromSize ? [] : [{ size, location: join(folder, file), hidden: false }]
    })
    return held.toSorted((a, b) => a.size - b.size)
  }

  return {
    name,
    kind: 'directory',
    outside,
    check: () => said(check()),
    async put(checkpoint) {
      const repeated = await said(put(checkpoint))
      const location = join(path, folderOf(checkpoint.origin), fileOf(checkpoint.size))
      const sha256 = repeated ? sha256Hex(await said(readFile(location))) : checkpoint.sha256
      return { anchor: name, kind: 'directory', outside, location, sha256, repeated, evidence: {} }
    },
    held: {
      list: (origin, fromSize) => said(list(origin, fromSize)),
      latest: async origin => (await said(list(origin))).at(-1) ?? null,
      read: ({ location }) => said(readFile(location)),
      stamps: {
        keep: (checkpoint, by, token) => said(keepStamp(checkpoint, by, token)),
        list: origin => said(stamps(origin)),
        read: ({ location }) => said(readFile(location))
      }
    },
    close: () => undefined
  }
}

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o444)
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes the names in a directory last through a loss of power. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function ignoreMissing(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  return null
}
