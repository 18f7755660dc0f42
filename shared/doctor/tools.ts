import type { ClusterView } from '../domain/cluster-view.ts'
import type { Settings } from './facts.ts'

/** A tool that writes to clusters and leaves a trace that Kafka can show. */
export interface Tool {
  readonly name: string
  readonly trace: RegExp
  /** What of Reeve's it would undo, or Reeve of its. */
  readonly writes: string
}

/** By names of topics, groups and client ids, as each tool's documentation and source give them. */
const byName: readonly Tool[] = [
  {
    name: 'Strimzi',
    trace: /^(?:__strimzi[_-]|strimzi\.cruisecontrol\.)/,
    writes: 'its operators put back every topic and user quota that a KafkaTopic or KafkaUser names'
  },
  {
    name: 'Cruise Control',
    trace: /^(?:__CruiseControlMetrics$|__KafkaCruiseControl|strimzi\.cruisecontrol\.)/,
    writes: 'it moves replicas and leaders, which looks like trouble of the cluster'
  },
  { name: 'ns4kafka', trace: /^ns4kafka\./, writes: 'it puts back topics, ACLs and quotas every 20 s, from every replica of it' },
  { name: 'Conduktor Gateway', trace: /^_conduktor_gateway_/, writes: 'clients reach Kafka through it, under its names and rules' },
  { name: 'Confluent Platform or Cloud', trace: /^_confluent[-_]/, writes: 'it may balance replicas, and its rights may come from roles in place of ACLs' },
  { name: 'Kpow', trace: /^(?:__oprtr_|oprtr\.)/, writes: 'people change topics, groups and quotas with it' },
  { name: 'Kafka UI', trace: /^__kui-audit-log$/, writes: 'people change topics and groups with it' },
  {
    name: 'MirrorMaker 2',
    trace: /^(?:mm2-(?:configs|offsets|status|offset-syncs)\.|.+\.checkpoints\.internal$)/,
    writes: 'it makes topics and commits positions of groups in the name of another cluster'
  }
]

export interface FoundTool extends Tool {
  readonly traces: readonly string[]
}

/** Tools that left topics or groups with names of theirs, or are members of a group. Pure. */
export function toolsIn({ topics, groups }: Pick<ClusterView, 'topics' | 'groups'>): readonly FoundTool[] {
  const clientIds = [...groups.values()].flatMap(({ members }) => (members ?? []).map(({ clientId }) => clientId))
  const names = [...new Set([...topics.keys(), ...groups.keys(), ...clientIds])]
  return byName.flatMap(tool => {
    const traces = names.filter(name => tool.trace.test(name)).sort()
    return traces.length > 0 ? [{ ...tool, traces }] : []
  })
}

/** Plug-ins of the brokers that decide what others, and Reeve, may write. */
export function pluginsIn(settings: Settings): readonly { readonly setting: string; readonly value: string; readonly means: string }[] {
  const plugins: Readonly<Record<string, string>> = {
    'client.quota.callback.class': 'it decides quotas: those that Kafka lists may not be those in force',
    'create.topic.policy.class.name': 'it refuses topics that break its rules',
    'alter.config.policy.class.name': 'it refuses settings that break its rules',
    'principal.builder.class': 'it makes the names of principals: those in the commands here may be others'
  }
  const usual = 'org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder'
  return Object.entries(plugins).flatMap(([setting, means]) => {
    const value = settings.get(setting)?.value
    return value && value !== usual ? [{ setting, value, means }] : []
  })
}
