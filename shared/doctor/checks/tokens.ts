import { setAtStart } from '../commands.ts'
import { type Facts, known, type Settings } from '../facts.ts'
import { type Finding, inArea, listed } from '../finding.ts'
import { metadataLevels } from '../releases.ts'

const finding = inArea('rights')
const kafkas = 'org.apache.kafka.common.security.oauthbearer'
const setting = {
  handler: 'oauthbearer.sasl.server.callback.handler.class',
  validator: 'sasl.oauthbearer.jwt.validator.class',
  keys: 'sasl.oauthbearer.jwks.endpoint.url'
}

/** Listeners that ask for tokens and let in what anybody wrote: brokers list the settings of each listener as server.properties has them. */
export function tokenFindings({ settings, addresses }: Facts): Finding[] {
  const lax = [...(known(settings) ?? [])].flatMap(([broker, of]) => {
    const answer = addresses.flatMap(each => (each.broker === broker && 'value' in each.answer ? [each.answer.value] : []))[0]
    return tokenListeners(of).flatMap(listener => {
      const how = unverified(of, listener, answer?.supported['metadata.version'] ?? null)
      return how === null ? [] : [{ broker, listener, ...how }]
    })
  })
  return [...Map.groupBy(lax, ({ listener, how }) => `${listener} ${how}`).values()].map(of => {
    const { listener, how, why, missing } = of[0]!
    const where = `listener ${listener} of ${listed(of.map(({ broker }) => `broker ${broker}`))}`
    const remedy = Object.fromEntries(Object.entries(missing).map(([name, value]) => [`${prefixOf(listener)}${name}`, value]))
    return finding(
      'error',
      'tokens-unverified',
      `${where} lets in forged tokens: ${how}`,
      ['Whoever reaches it writes a token and is whom he likes by it: Reeve, or a super user.', ...why],
      setAtStart(remedy)
    )
  })
}

function prefixOf(listener: string): string {
  return `listener.name.${listener.toLowerCase()}.`
}

function tokenListeners(settings: Settings): string[] {
  const list = (value: string | null | undefined) => (value ?? '').split(',').map(word => word.trim())
  const protocols = new Map(list(settings.get('listener.security.protocol.map')?.value).map(pair => pair.split(':') as [string, string]))
  return list(settings.get('listeners')?.value).flatMap(address => {
    const name = address.split('://')[0]!
    const asksForLogin = (protocols.get(name) ?? name).startsWith('SASL_')
    return asksForLogin && list(valueOf(settings, name, 'sasl.enabled.mechanisms')).includes('OAUTHBEARER') ? [name] : []
  })
}

/** What holds for a listener: what is said of it, for all its mechanisms or this one, else of all listeners. */
function valueOf(settings: Settings, listener: string, name: string): string | null {
  const names = [`${prefixOf(listener)}oauthbearer.${name}`, `${prefixOf(listener)}${name}`, name]
  return names.map(each => settings.get(each)?.value).find(value => value) ?? null
}

/** How a listener checks no signature; null where it does, or where a class that is not Kafka's own decides. */
function unverified(settings: Settings, listener: string, level: number | null) {
  const verifying = { [setting.validator]: `${kafkas}.BrokerJwtValidator` }
  const keys = valueOf(settings, listener, setting.keys)
  const withKeys = keys === null ? { ...verifying, [setting.keys]: 'https://…' } : verifying
  const handler = valueOf(settings, listener, setting.handler)
  if (handler === null || handler === `${kafkas}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`)
    return {
      how: `${setting.handler} is ${handler ?? 'not set'}`,
      why: ['Tokens need no signature there (RFC 7515, alg none): that is for trying things out.'],
      missing: { [setting.handler]: `${kafkas}.OAuthBearerValidatorCallbackHandler`, ...withKeys }
    }
  const validator = valueOf(settings, listener, setting.validator)
  const isKafkas =
    handler.startsWith(`${kafkas}.`) && validator !== null && ['DefaultJwtValidator', 'ClientJwtValidator'].includes(validator.split('.').at(-1)!)
  const afterFirst = level !== null && level > metadataLevels['4.1']!
  if (!isKafkas || (validator.endsWith('DefaultJwtValidator') && keys !== null && afterFirst)) return null
  return {
    how: `${setting.validator} is ${validator}`,
    why: [
      validator.endsWith('ClientJwtValidator') || keys === null
        ? 'It reads a token and asks for no signature, audience or issuer.'
        : 'In Kafka 4.1.0 and 4.1.1 it asks for no signature, audience or issuer, whatever else is set. From 4.1.2 on it does; no request tells which of them this is.'
    ],
    missing: withKeys
  }
}
