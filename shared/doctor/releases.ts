/** Reeve's whole test suite runs on the one, its contract suite on both. */
export const tested = { least: '4.1', most: '4.4' } as const

/** The highest metadata.version that the brokers of a release support (MetadataVersion.LATEST_PRODUCTION): no request tells the release itself. */
export const metadataLevels: Readonly<Record<string, number>> = {
  '3.3': 7,
  '3.4': 8,
  '3.5': 11,
  '3.6': 14,
  '3.7': 19,
  '3.8': 20,
  '3.9': 21,
  '4.0': 25,
  '4.1': 27,
  '4.2': 29,
  '4.3': 30,
  '4.4': 33
}

/** The release by what a broker supports, for example `4.1`; `later than 4.4`, or `unknown` where it does not say. */
export function releaseOf(supported: Readonly<Record<string, number>>): string {
  const level = supported['metadata.version']
  if (level === undefined) return 'unknown'
  const releases = Object.entries(metadataLevels)
  return releases.find(([, highest]) => level <= highest)?.[0] ?? `later than ${releases.at(-1)![0]}`
}
