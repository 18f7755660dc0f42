import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * One process for good: a pid alone is given again to others, a pid with its start time is not.
 * @typedef {{ pid: number, start: string, host: string, boot: string, namespace: string }} ProcessIdentity
 */

/**
 * Who a pid is now; undefined when no such process lives (a zombie has ended).
 * @param {number} pid
 * @returns {ProcessIdentity | undefined}
 */
export function identify(pid) {
  const start = process.platform === 'linux' ? linuxStart(pid) : psStart(pid)
  return start === undefined ? undefined : { pid, start, ...here() }
}

/**
 * What became of a process that was written down: `elsewhere` is one that this machine or container cannot see, and must leave alone.
 * @param {ProcessIdentity} recorded
 * @param {{ here: { host: string, boot: string, namespace: string }, now: ProcessIdentity | undefined }} seen  `now` is who has its pid now
 * @returns {'alive' | 'dead' | 'elsewhere'}
 */
export function fateOf(recorded, seen) {
  if (recorded.host !== seen.here.host) return 'elsewhere'
  if (recorded.boot !== seen.here.boot) return 'dead'
  if (recorded.namespace !== seen.here.namespace) return 'elsewhere'
  return seen.now?.start === recorded.start ? 'alive' : 'dead'
}

/** @param {ProcessIdentity} recorded */
export function fateNow(recorded) {
  return fateOf(recorded, { here: here(), now: identify(recorded.pid) })
}

/** @returns {{ host: string, boot: string, namespace: string }} */
function here() {
  if (process.platform !== 'linux') return { host: hostname(), boot: '', namespace: '' }
  return { host: hostname(), boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), namespace: readlinkSync('/proc/self/ns/pid') }
}

/** Field 22 of /proc/PID/stat (proc(5)): clock ticks from boot to the start. The name in field 2 may hold spaces and brackets. */
function linuxStart(/** @type {number} */ pid) {
  try {
    return startOfStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

/**
 * The start time in the text of a /proc/PID/stat; undefined for a process that has ended (states Z and X).
 * @param {string} stat
 */
export function startOfStat(stat) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

function psStart(/** @type {number} */ pid) {
  try {
    const [state, ...start] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split(/\s+/)
    return !state || state.startsWith('Z') ? undefined : start.join(' ')
  } catch (error) {
    // ps ends with 1 where no process has that pid.
    if (/** @type {{ status?: number }} */ (error).status === 1) return undefined
    throw error
  }
}
