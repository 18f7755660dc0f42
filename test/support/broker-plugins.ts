import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { output } from '#deploy/local/commands.ts'
import { ensureLibraries } from '#deploy/local/libraries.ts'

/** Settings of the brokers, and the class of each that `compilePlugins` makes. Each does what Kafka does without it. */
export const plugins = {
  'authorizer.class.name': 'plugins.SomeAuthorizer',
  'client.quota.callback.class': 'plugins.SomeQuotas',
  'create.topic.policy.class.name': 'plugins.SomeTopics',
  'alter.config.policy.class.name': 'plugins.SomeSettings',
  'principal.builder.class': 'plugins.SomePrincipals'
} as const

const sources = {
  'plugins/SomeAuthorizer.java': `package plugins;
public class SomeAuthorizer extends org.apache.kafka.metadata.authorizer.StandardAuthorizer {}`,
  'plugins/SomeQuotas.java': `package plugins;
import java.util.Map;
import org.apache.kafka.server.quota.*;
public class SomeQuotas implements ClientQuotaCallback {
  public Map<String, String> quotaMetricTags(ClientQuotaType type, org.apache.kafka.common.security.auth.KafkaPrincipal principal, String clientId) { return Map.of(); }
  public Double quotaLimit(ClientQuotaType type, Map<String, String> tags) { return null; }
  public void updateQuota(ClientQuotaType type, ClientQuotaEntity entity, double value) {}
  public void removeQuota(ClientQuotaType type, ClientQuotaEntity entity) {}
  public boolean quotaResetRequired(ClientQuotaType type) { return false; }
  public boolean updateClusterMetadata(org.apache.kafka.common.Cluster cluster) { return false; }
  public void configure(Map<String, ?> configs) {}
  public void close() {}
}`,
  'plugins/SomeTopics.java': `package plugins;
public class SomeTopics implements org.apache.kafka.server.policy.CreateTopicPolicy {
  public void validate(RequestMetadata request) {}
  public void configure(java.util.Map<String, ?> configs) {}
  public void close() {}
}`,
  'plugins/SomeSettings.java': `package plugins;
public class SomeSettings implements org.apache.kafka.server.policy.AlterConfigPolicy {
  public void validate(RequestMetadata request) {}
  public void configure(java.util.Map<String, ?> configs) {}
  public void close() {}
}`,
  'plugins/SomePrincipals.java': `package plugins;
public class SomePrincipals extends org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder {
  public SomePrincipals() { super(null, null); }
}`,
  // In the place of Kafka's own: every clock of the broker, as if its host's ran ahead.
  'org/apache/kafka/common/utils/SystemTime.java': `package org.apache.kafka.common.utils;
import java.util.function.Supplier;
class SystemTime implements Time {
  private static final SystemTime SYSTEM_TIME = new SystemTime();
  public static SystemTime getSystemTime() { return SYSTEM_TIME; }
  public long milliseconds() { return System.currentTimeMillis() + Long.getLong("clock.ahead.ms"); }
  public long nanoseconds() { return System.nanoTime(); }
  public void sleep(long ms) { Utils.sleep(ms); }
  public void waitObject(Object object, Supplier<Boolean> condition, long deadlineMs) throws InterruptedException {
    synchronized (object) {
      while (!condition.get()) {
        long leftMs = deadlineMs - milliseconds();
        if (leftMs <= 0) throw new org.apache.kafka.common.errors.TimeoutException("Condition not satisfied before deadline");
        object.wait(leftMs);
      }
    }
  }
}`
}

/** Compiles them against the jars of a Kafka; needs a JDK. The folder then goes before the jars, with `-Dclock.ahead.ms=…` for the clock. */
export async function compilePlugins(kafkaVersion: string, folder: string): Promise<void> {
  const { kafkaLibs } = await ensureLibraries(kafkaVersion, () => {})
  for (const [file, source] of Object.entries(sources)) {
    await mkdir(join(folder, file, '..'), { recursive: true })
    await writeFile(join(folder, file), source)
  }
  await output(['javac', '-nowarn', '-cp', `${kafkaLibs}/*`, '-d', folder, ...Object.keys(sources).map(file => join(folder, file))])
}
