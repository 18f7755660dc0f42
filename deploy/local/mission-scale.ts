import { readFileSync, writeFileSync } from 'node:fs'
import type { ExtraListener } from './node-properties.ts'
import type { StackOptions } from './stack.ts'

const MAPS_FILE = '/proc/sys/vm/max_map_count'
const MAPS = 1_048_576

/** Name of the listener with TLS and SCRAM-SHA-512. */
export const securedListener = 'SECURED'
const scramOverTls: ExtraListener = {
  protocol: 'SASL_SSL',
  properties: {
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  }
}

/**
 * Three brokers that hold 50,000 partitions on one machine: room on the heap, small index files, and a listener with TLS and SCRAM, so
 * that what both cost together can be measured. A broker maps two files for each partition, so the system's bound on maps is raised where
 * this user may; where not, three brokers stay just below Linux's default.
 */
export function missionScale(scale: number, log: (line: string) => void): StackOptions {
  raiseMaps(log)
  return {
    heapMb: Math.max(1_024, Math.round(3_072 * scale)),
    properties: { 'log.index.size.max.bytes': '4096' },
    listeners: { [securedListener]: scramOverTls },
    log
  }
}

function raiseMaps(log: (line: string) => void): void {
  try {
    if (Number(readFileSync(MAPS_FILE, 'utf8')) < MAPS) writeFileSync(MAPS_FILE, String(MAPS))
  } catch (error) {
    log(`vm.max_map_count stays as it is: ${error instanceof Error ? error.message : String(error)}`)
  }
}
