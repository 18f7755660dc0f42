import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { cp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { output } from './commands.ts'
import { localFolder } from './folders.ts'
import { fateNow, identify, type ProcessIdentity } from './process-identity.js'

/** What `owner.json` of a run says: enough to end everything that it started, and nothing else. */
export interface Ownership {
  readonly owner: ProcessIdentity
  readonly children: readonly ProcessIdentity[]
  /** Where the stack runs in containers: the command that ends and removes them. */
  readonly containersEnd?: readonly string[]
}

const LOGS_KEPT = 5

/** The folder of one run of a stack: `.local/run/<id>`. */
export class Run {
  readonly id: string
  readonly folder: string
  readonly logs: string
  #ownership: Ownership

  constructor(base: string = localFolder) {
    this.id = `${new Date().toISOString().replaceAll(/[-:]|\..*/g, '')}-${randomBytes(3).toString('hex')}`
    this.folder = join(base, 'run', this.id)
    this.logs = join(this.folder, 'logs')
    this.#ownership = { owner: self(), children: [] }
    // Appears whole, by a rename: a run without an owner would never be cleaned up.
    const unfinished = join(base, `run-${this.id}.${process.pid}.unfinished`)
    mkdirSync(join(unfinished, 'logs'), { recursive: true, mode: 0o700 })
    mkdirSync(join(base, 'run'), { recursive: true })
    writeOwnership(unfinished, this.#ownership)
    renameSync(unfinished, this.folder)
  }

  /** Writes down a process that was started, before anything else happens. */
  addChild(pid: number): void {
    const identity = identify(pid)
    if (identity) this.#write({ ...this.#ownership, children: [...this.#ownership.children, identity] })
  }

  setContainersEnd(command: readonly string[]): void {
    this.#write({ ...this.#ownership, containersEnd: command })
  }

  async remove(): Promise<void> {
    await removeRun(this.folder)
  }

  #write(ownership: Ownership): void {
    this.#ownership = ownership
    writeOwnership(this.folder, ownership)
  }
}

/** What to do with a run that was found: its owner works, or it left processes and a folder, or this machine cannot tell. */
export function decideOnRun(
  ownership: Ownership,
  fate: (process: ProcessIdentity) => 'alive' | 'dead' | 'elsewhere'
): { clean: boolean; end: readonly ProcessIdentity[] } {
  if (fate(ownership.owner) !== 'dead') return { clean: false, end: [] }
  return { clean: true, end: ownership.children.filter(child => fate(child) === 'alive') }
}

/** Ends what crashed runs left behind and removes their folders; their logs are kept for a while. Returns one sentence for each. */
export async function cleanUpCrashedRuns(base: string = localFolder): Promise<string[]> {
  const runs = join(base, 'run')
  if (!existsSync(runs)) return []
  const said = await Promise.all((await readdir(runs)).map(id => cleanUp(join(runs, id), id)))
  return said.filter(sentence => sentence !== undefined)
}

async function cleanUp(folder: string, id: string): Promise<string | undefined> {
  const ownership = readOwnership(folder)
  if (ownership === 'gone') return undefined
  if (ownership === 'broken') return `run ${id}: owner.json is broken, so it is left alone; remove ${folder} when nothing of it runs`
  const { clean, end } = decideOnRun(ownership, fateNow)
  if (!clean) return undefined
  for (const child of end) process.kill(child.pid, 'SIGKILL')
  while (end.some(child => fateNow(child) === 'alive')) await pause(20)
  if (ownership.containersEnd) await output(ownership.containersEnd)
  await removeRun(folder)
  return `run ${id}: its owner had ended; ended ${end.length} of its processes and removed its folder`
}

/** Moves the logs to `.local/logs/<id>` and removes the rest. Two may try at once: the rename decides. */
async function removeRun(folder: string): Promise<void> {
  const base = join(folder, '../..')
  const id = folder.slice(folder.lastIndexOf('/') + 1)
  const going = join(base, `run-${id}.${process.pid}.unfinished`)
  const won = await rename(folder, going).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    }
  )
  if (!won) return
  await cp(join(going, 'logs'), join(base, 'logs', id), { recursive: true })
  await rm(going, { recursive: true, force: true })
  const kept = (await readdir(join(base, 'logs'))).toSorted()
  await Promise.all(kept.slice(0, -LOGS_KEPT).map(old => rm(join(base, 'logs', old), { recursive: true, force: true })))
}

function self(): ProcessIdentity {
  const identity = identify(process.pid)
  if (!identity) throw new Error(`this process (pid ${process.pid}) cannot be found in the list of processes`)
  return identity
}

function writeOwnership(folder: string, ownership: Ownership): void {
  const file = join(folder, 'owner.json')
  writeFileSync(`${file}.new`, JSON.stringify(ownership, undefined, 2))
  renameSync(`${file}.new`, file)
}

function readOwnership(folder: string): Ownership | 'gone' | 'broken' {
  let text: string
  try {
    text = readFileSync(join(folder, 'owner.json'), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return existsSync(folder) ? 'broken' : 'gone'
    throw error
  }
  return parseOwnership(text) ?? 'broken'
}

/** Undefined for anything but a whole ownership. */
export function parseOwnership(text: string): Ownership | undefined {
  let value: Partial<Ownership> | null
  try {
    value = JSON.parse(text) as Partial<Ownership> | null
  } catch {
    return undefined
  }
  if (!isIdentity(value?.owner) || !Array.isArray(value.children) || !value.children.every(isIdentity)) return undefined
  const command = value.containersEnd
  return command === undefined || (Array.isArray(command) && command.every(word => typeof word === 'string')) ? (value as Ownership) : undefined
}

function isIdentity(value: unknown): value is ProcessIdentity {
  const identity = value as Partial<ProcessIdentity> | null | undefined
  const texts = [identity?.start, identity?.host, identity?.boot, identity?.namespace]
  return Number.isSafeInteger(identity?.pid) && identity!.pid! > 1 && texts.every(text => typeof text === 'string')
}
