import type { BrokerLogLine } from '../../broker-logs/line.ts'
import { coordinateText } from '../../broker-logs/entry.ts'
import { z } from 'zod'
import type { Loose } from '../bounds.ts'
import { moment, text } from '../schema-parts.ts'

/** What the reading of a line says of itself. */
export const lineUnmapped = {
  host: text.nullable().describe('Whose log it is; null where the forwarder does not say.'),
  timeCertainty: z.enum(['stated', 'zoned', 'ambiguous', 'skipped']).describe('How sure the time is: local times need a configured zone.'),
  orTime: moment.optional().describe('The later moment of a local time that the zone had twice.'),
  timeZone: text.optional().describe('The zone that was assumed.'),
  flaws: z.array(z.string()).optional().describe('What was wrong with the bytes.'),
  forgeable: z.boolean().optional().describe("True where a client's text could have made the line: the log writes line breaks raw.")
}

export type TimedLine = Exclude<BrokerLogLine, { kind: 'unparsed' | 'other' }>

export function lineFacts(line: TimedLine): Record<string, Loose> {
  const { time, flaws, forgeable } = line
  return {
    host: line.coordinate.host,
    timeCertainty: time.timeCertainty,
    orTime: time.orMs,
    timeZone: time.timeZone,
    flaws: flaws.length === 0 ? undefined : flaws,
    forgeable: forgeable || undefined
  }
}

export const placeOf = (line: BrokerLogLine): string => coordinateText(line.coordinate)
