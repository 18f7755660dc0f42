import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, peer?: boolean }} LockedPackage
 * @typedef {{ packages: Record<string, LockedPackage> }} Lock
 */

/**
 * True when node_modules of a checkout holds what its package-lock.json names. npm writes node_modules/.package-lock.json as the
 * last step of an installation, so a killed one is never taken for a whole one; a package whose folder was removed is noticed too.
 * @param {string} root
 */
export function dependenciesAreCurrent(root) {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'))
  const wanted = readLock(join(root, 'package-lock.json'))
  if (!wanted) throw new Error(`package-lock.json is missing or broken in ${root}: get it from the repository`)
  return installed !== undefined && sameLocks(wanted, installed) && Object.keys(installed.packages).every(path => existsSync(join(root, path, 'package.json')))
}

/**
 * Does an installation hold every package that the lock asks for, at its version? Optional ones may be absent (other platforms).
 * @param {Lock} wanted
 * @param {Lock} installed
 */
export function sameLocks(wanted, installed) {
  return Object.entries(wanted.packages).every(([path, want]) => {
    if (path === '') return true
    const have = installed.packages[path]
    if (!have) return want.optional === true || want.peer === true
    return have.version === want.version && have.integrity === want.integrity
  })
}

/**
 * @param {string} file
 * @returns {Lock | undefined}
 */
function readLock(file) {
  if (!existsSync(file)) return undefined
  try {
    const lock = JSON.parse(readFileSync(file, 'utf8'))
    return typeof lock?.packages === 'object' && lock.packages !== null ? lock : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
