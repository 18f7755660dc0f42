/** Where one node listens: consecutive ports on one host. */
export interface NodePorts {
  readonly plain: number
  readonly sasl: number
  readonly tls: number
  readonly controller: number
  /** A second listener of the controller that asks who is there, as a production's only one does. */
  readonly controllerSasl: number
  /** By the name of an extra listener. */
  readonly extra: Readonly<Record<string, number>>
}

/** One more listener on every node, for what only some tests need. Its name is in capital letters. */
export interface ExtraListener {
  readonly protocol: 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  /** Broker properties of this listener alone, without their prefix `listener.name.<name>.` */
  readonly properties: Readonly<Record<string, string>>
  /** Where clients are told to find it, where something stands in front of it. */
  readonly advertisedPort?: number
  /** It is the controller's: no client is told of it. */
  readonly controller?: true
}

export interface StackPorts {
  readonly nodes: readonly NodePorts[]
  readonly redis: number
}

export interface ClusterPlan {
  readonly ports: StackPorts
  /** Passwords by user; all may log in by SCRAM and by PLAIN. */
  readonly principals: Readonly<Record<string, string>>
  readonly keystore: { readonly file: string; readonly password: string }
  /** Address to bind: 127.0.0.1, or 0.0.0.0 inside a container whose ports are published to 127.0.0.1 only. */
  readonly bind: string
  readonly listeners?: Readonly<Record<string, ExtraListener>>
  /** Added last, so that a test may say otherwise. */
  readonly extra: Readonly<Record<string, string>>
}

const LOCALHOST = '127.0.0.1'
const PORTS_OF_A_NODE = 5

/** How many consecutive ports a stack of that many nodes and one Redis takes. */
export function portCount(nodes: number, extraListeners = 0): number {
  return nodes * (PORTS_OF_A_NODE + extraListeners) + 1
}

/** Gives each listener its port in a block of `portCount` ports that starts at `first`. */
export function portsFrom(first: number, nodes: number, extraListeners: readonly string[] = []): StackPorts {
  const each = PORTS_OF_A_NODE + extraListeners.length
  return {
    nodes: Array.from({ length: nodes }, (_, index) => {
      const base = first + index * each
      const extra = Object.fromEntries(extraListeners.map((name, place) => [name, base + PORTS_OF_A_NODE + place]))
      return { plain: base, sasl: base + 1, tls: base + 2, controller: base + 3, controllerSasl: base + 4, extra }
    }),
    redis: first + nodes * each
  }
}

export function addresses(ports: StackPorts, listener: Exclude<keyof NodePorts, 'extra'>): string[] {
  return ports.nodes.map(node => `${LOCALHOST}:${node[listener]}`)
}

/** Where an extra listener is on every node, whatever is advertised. */
export function extraAddresses(ports: StackPorts, name: string): string[] {
  return ports.nodes.map(node => `${LOCALHOST}:${node.extra[name]}`)
}

/** The configuration of node `id` (1-based), a broker and controller at once, as Kafka 4.1's documentation of broker configs names it. */
export function nodeProperties(id: number, dataFolder: string, plan: ClusterPlan): Record<string, string> {
  const ports = plan.ports.nodes[id - 1]
  if (!ports) throw new Error(`node ${id}: the plan has ports for ${plan.ports.nodes.length} nodes`)
  const replicas = String(Math.min(3, plan.ports.nodes.length))
  const inSync = String(Math.min(2, plan.ports.nodes.length))
  const at = (host: string) => `PLAIN://${host}:${ports.plain},SASL://${host}:${ports.sasl},TLS://${host}:${ports.tls}`
  const extra = Object.entries(plan.listeners ?? {})
  const extraAt = (host: string, advertised: boolean) =>
    extra
      .filter(([, { controller }]) => !(advertised && controller))
      .map(([name, { advertisedPort }]) => `,${name}://${host}:${(advertised ? advertisedPort : undefined) ?? ports.extra[name]}`)
      .join('')
  const ofControllers = extra.flatMap(([name, { controller }]) => (controller ? [name] : []))
  const users = Object.entries(plan.principals).map(([name, password]) => `user_${name}="${password}"`)
  const login = 'org.apache.kafka.common.security'
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': plan.ports.nodes.map((node, index) => `${index + 1}@${LOCALHOST}:${node.controller}`).join(','),
    listeners: `${at(plan.bind)}${extraAt(plan.bind, false)},CONTROLLER://${plan.bind}:${ports.controller},CONTROLLER_SASL://${plan.bind}:${ports.controllerSasl}`,
    'advertised.listeners': `${at(LOCALHOST)}${extraAt(LOCALHOST, true)}`,
    'listener.security.protocol.map': `PLAIN:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL,CONTROLLER:PLAINTEXT,CONTROLLER_SASL:SASL_PLAINTEXT${extra.map(([name, { protocol }]) => `,${name}:${protocol}`).join('')}`,
    'inter.broker.listener.name': 'PLAIN',
    // The nodes speak over the first.
    'controller.listener.names': ['CONTROLLER', 'CONTROLLER_SASL', ...ofControllers].join(','),
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512,SCRAM-SHA-256,PLAIN',
    ...Object.assign(
      {},
      ...['sasl', 'controller_sasl'].map(listener => ({
        [`listener.name.${listener}.scram-sha-512.sasl.jaas.config`]: `${login}.scram.ScramLoginModule required;`,
        [`listener.name.${listener}.scram-sha-256.sasl.jaas.config`]: `${login}.scram.ScramLoginModule required;`,
        [`listener.name.${listener}.plain.sasl.jaas.config`]: `${login}.plain.PlainLoginModule required ${users.join(' ')};`
      }))
    ),
    ...serverCertificate('tls', plan),
    ...Object.assign({}, ...extra.map(([name, listener]) => extraProperties(name.toLowerCase(), listener, plan))),
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS;User:admin',
    'allow.everyone.if.no.acl.found': 'false',
    'log.dirs': dataFolder,
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': '3',
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': '3',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': '3',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    ...plan.extra
  }
}

function serverCertificate(listener: string, { keystore }: ClusterPlan): Record<string, string> {
  const prefix = `listener.name.${listener}.ssl`
  return {
    [`${prefix}.keystore.type`]: 'PKCS12',
    [`${prefix}.keystore.location`]: keystore.file,
    [`${prefix}.keystore.password`]: keystore.password,
    [`${prefix}.key.password`]: keystore.password
  }
}

function extraProperties(listener: string, { protocol, properties }: ExtraListener, plan: ClusterPlan): Record<string, string> {
  return {
    ...(protocol.endsWith('SSL') && serverCertificate(listener, plan)),
    ...Object.fromEntries(Object.entries(properties).map(([key, value]) => [`listener.name.${listener}.${key}`, value]))
  }
}

/** Text of a Java properties file (java.util.Properties, ISO 8859-1 with \uXXXX). */
export function renderProperties(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([key, value]) => `${escaped(key).replaceAll(/[ =:#!]/g, '\\$&')}=${escaped(value).replace(/^ /, '\\ ')}\n`)
    .join('')
}

function escaped(text: string): string {
  const named: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f' }
  return text.replaceAll(/[\\\n\r\t\f]|[^\x20-\x7e]/g, unit => named[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
