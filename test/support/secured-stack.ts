import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type IdentityProvider, openIdentityProvider } from '#deploy/local/identity-provider.ts'
import { type LocalStack, startStack } from '#deploy/local/stack.ts'
import { type Authority, type Issued, newAuthority } from '#deploy/local/x509.ts'
import type { KafkaConnection } from '#shared/kafka/connection.ts'
import { type Cutter, openCutter } from './cutter.ts'

export const clientSecret = 'a/secret:with+signs'
const security = 'org.apache.kafka.common.security.oauthbearer'

/** One broker that asks for certificates on one listener and for tokens on another, with what can give both. */
export interface SecuredStack {
  readonly stack: LocalStack
  readonly provider: IdentityProvider
  readonly authority: Authority
  /** One that no broker trusts. */
  readonly foreign: Authority
  /** In front of the listener for certificates. */
  readonly cutter: Cutter
  readonly folder: string
  /** Writes a certificate and its key, and says where they are. */
  put(name: string, issued: Issued): { readonly certFile: string; readonly keyFile: string }
  withCertificate(files: { readonly certFile?: string; readonly keyFile?: string }): KafkaConnection
  withToken(
    token: () => Promise<string>,
    more?: { readonly extensions?: Readonly<Record<string, string>>; readonly requestTimeoutMs?: number }
  ): KafkaConnection
  close(): Promise<void>
}

export async function startSecuredStack({ sessionMs }: { sessionMs: number }): Promise<SecuredStack> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-secured-'))
  const at = (name: string) => join(folder, name)
  const authority = newAuthority('CN=authority of clients')
  writeFileSync(at('clients.pem'), authority.certificate)
  const [provider, cutter] = await Promise.all([openIdentityProvider({ 'reeve-engine': clientSecret }), openCutter()])
  const stack = await startStack({
    nodes: 1,
    heapMb: 256,
    jvm: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${provider.jwksUrl}`],
    properties: { 'listener.name.sasl.scram-sha-512.connections.max.reauth.ms': String(sessionMs) },
    listeners: {
      MTLS: {
        protocol: 'SSL',
        advertisedPort: cutter.port,
        properties: {
          'ssl.client.auth': 'required',
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.location': at('clients.pem'),
          'ssl.principal.mapping.rules': 'RULE:^CN=(short-[a-z]+),.*$/$1/,DEFAULT'
        }
      },
      OAUTH: {
        protocol: 'SASL_PLAINTEXT',
        properties: {
          'sasl.enabled.mechanisms': 'OAUTHBEARER',
          'oauthbearer.sasl.jaas.config': `${security}.OAuthBearerLoginModule required;`,
          'oauthbearer.sasl.server.callback.handler.class': `${security}.OAuthBearerValidatorCallbackHandler`,
          'oauthbearer.connections.max.reauth.ms': String(sessionMs),
          // Kafka 4.1's default checks neither signature nor audience nor issuer of a token that a client shows.
          'sasl.oauthbearer.jwt.validator.class': `${security}.BrokerJwtValidator`,
          'sasl.oauthbearer.jwks.endpoint.url': provider.jwksUrl,
          'sasl.oauthbearer.expected.audience': 'kafka',
          'sasl.oauthbearer.expected.issuer': provider.issuer
        }
      }
    }
  })
  const { caFile, extraBrokers = {} } = stack.description
  cutter.target = Number(extraBrokers['MTLS']![0]!.split(':')[1])
  return {
    stack,
    provider,
    authority,
    foreign: newAuthority('CN=foreign'),
    cutter,
    folder,
    put(name, { certificate, key }) {
      writeFileSync(at(`${name}.pem`), certificate)
      writeFileSync(at(`${name}.key`), key)
      return { certFile: at(`${name}.pem`), keyFile: at(`${name}.key`) }
    },
    withCertificate: files => ({ brokers: [`127.0.0.1:${cutter.port}`], clientId: 'certificates', tls: { caFile, servername: 'localhost', ...files } }),
    withToken: (token, { extensions, ...more } = {}) => ({
      brokers: extraBrokers['OAUTH']!,
      clientId: 'tokens',
      sasl: { mechanism: 'OAUTHBEARER', token, ...(extensions && { extensions }) },
      ...more
    }),
    async close() {
      await stack.stop()
      await Promise.all([provider.close(), cutter.close()])
      rmSync(folder, { recursive: true })
    }
  }
}
