import { agreementMs } from '../../domain/clock.ts'
import { type Facts, known, type Seen } from '../facts.ts'
import { counted, type Finding, inArea } from '../finding.ts'

const finding = inArea('clocks')
/** Beyond this a clock is not kept by NTP, although Reeve can still work with it. */
const kept = 1_000

/** Reeve decides by two clocks of three that agree within 30 s. */
export function clockFindings({ clocks }: Facts): Finding[] {
  const controller = known(clocks.controller)
  const stamps = known(clocks.stamps)
  const compared = [
    compare(controller ? `broker ${controller.broker} (the controller)` : 'the brokers', clocks.controller),
    compare('Redis', clocks.redis),
    ...[...(stamps ?? [])].flatMap(([broker, offMs]) => (broker !== controller?.broker && offMs > kept ? [ahead(broker, offMs)] : []))
  ]
  const agreeing = compared.filter(({ severity }) => severity === 'ok').length
  const unseen = stamps === null ? null : [...stamps.keys()].filter(broker => broker !== controller?.broker).length
  return [
    ...compared,
    ...(agreeing === 0
      ? [
          finding(
            'error',
            'clocks-alone',
            "no other clock is known to agree with this host's",
            'Where no two clocks agree within 30 s, Reeve decides nothing that harms.',
            'keep the clocks of this host, the brokers and Redis by NTP'
          )
        ]
      : []),
    ...(unseen === null || unseen === 0
      ? []
      : [
          finding(
            'note',
            'clocks-partly',
            `of ${counted(unseen, 'other broker')} only a clock that runs ahead would show`,
            'Kafka tells the time of its controller; of other brokers only what they last stamped.'
          )
        ])
  ]
}

function compare(who: string, seen: Seen<{ readonly offMs: number; readonly withinMs: number }>): Finding {
  if ('why' in seen) return finding('unknown', 'clock-unknown', `what time ${who} ${who === 'the brokers' ? 'have' : 'has'} is not known: ${seen.why}`)
  const { offMs, withinMs } = seen.value
  const off = Math.max(0, Math.abs(offMs) - withinMs)
  const text = `the clock of ${who} is ${off === 0 ? `with this host's, within ${Math.ceil(withinMs)} ms` : `${amount(off)} ${offMs > 0 ? 'ahead of' : 'behind'} this host's`}`
  if (off > agreementMs)
    return finding(
      'error',
      'clock-off',
      text,
      `Reeve trusts clocks that agree within ${agreementMs / 1000} s; this one is outvoted, or outvotes the others.`,
      'keep it by NTP (chronyc tracking)'
    )
  if (off > kept) return finding('warning', 'clock-off', text, 'It is not kept by NTP, as it seems.', 'keep it by NTP (chronyc tracking)')
  return finding('ok', 'clock-right', text)
}

function ahead(broker: number, offMs: number): Finding {
  const severity = offMs > agreementMs ? 'error' : 'warning'
  return finding(
    severity,
    'clock-off',
    `broker ${broker} leads a partition whose newest record is stamped ${amount(offMs)} ahead of this host's clock`,
    'Its clock runs ahead, or that of the broker that led before it did.',
    'keep it by NTP (chronyc tracking)'
  )
}

function amount(ms: number): string {
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 3_600_000).toFixed(1)} h`
}
