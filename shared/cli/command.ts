import type { Command } from '@commander-js/extra-typings'
import { parseDuration } from '../domain/duration.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { Cli, GlobalOptions } from './session.ts'

/** What a command is made of: the process's surroundings and the global options, read when it runs. */
export interface Surroundings {
  readonly cli: Cli
  global(): GlobalOptions
  json(): boolean
}

/** Adds one command, or a family of them, to the command line. */
export type AddCommand = (reeve: Command, surroundings: Surroundings) => void

/** Read before anything is connected: wrong words are wrong whatever the cluster says. */
export function durationOf(option: string, text: string): number {
  const durationMs = parseDuration(text)
  if (durationMs === null) throw new CommandFailure(exitCodes.usage, `${option} ${text}: expected a duration such as 30s, 24h or 7d`)
  return durationMs
}
