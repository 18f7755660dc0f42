import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fateNow, identify } from './process-identity.js'

/**
 * Runs `work` while no other process of this checkout does. The holder is known by pid and start time, so the lock of a killed one is taken over.
 * @param {string} folder
 * @param {() => void} work
 */
export async function withInstallLock(folder, work) {
  mkdirSync(folder, { recursive: true })
  const lock = join(folder, 'install.lock')
  const mine = join(folder, `install.lock.${process.pid}.unfinished`)
  writeFileSync(mine, JSON.stringify(identify(process.pid)))
  try {
    let told = false
    while (!take(mine, lock)) {
      if (!told) process.stderr.write('another command is installing in this checkout: waiting for it\n')
      told = true
      await pause(200)
    }
    try {
      work()
    } finally {
      rmSync(lock, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

/** A hard link appears with its content or not at all, and only where the name is free. */
function take(/** @type {string} */ mine, /** @type {string} */ lock) {
  if (linked(mine, lock)) return true
  const holder = readIfThere(lock)
  if (holder === undefined || fateNow(JSON.parse(holder)) !== 'dead') return false
  // A rename is won by one process; whoever moved a newer lock by mistake puts it back.
  const moved = join(dirname(lock), `install.lock.moved.${process.pid}.unfinished`)
  try {
    renameSync(lock, moved)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return false
    throw error
  }
  const stale = readIfThere(moved) === holder
  if (!stale) linked(moved, lock)
  rmSync(moved, { force: true })
  return stale && linked(mine, lock)
}

function linked(/** @type {string} */ from, /** @type {string} */ to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
}

function readIfThere(/** @type {string} */ file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined
    throw error
  }
}
