import java.util.*;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.DelegationTokenNotFoundException;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Does what makes a controller write its records, so far as a client can ask for it: MetadataWorkload changes|without-3 servers sasl-servers
 * password secret. Prints `done: step` or `refused: step: why`.
 */
public class MetadataWorkload {
    public static void main(String[] arguments) throws Exception {
        String servers = arguments[1];
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
            if (arguments[0].equals("changes")) changes(admin, servers, arguments[2], arguments[3], arguments[4]);
            else without3(admin);
        }
    }

    private static void changes(Admin admin, String servers, String saslServers, String password, String secret) {
        step("create topics", () -> admin.createTopics(List.of(
            new NewTopic("orders", 3, (short) 3).configs(Map.of("retention.ms", "600000", "min.insync.replicas", "2")),
            new NewTopic("plain", 1, (short) 1),
            new NewTopic("short-lived", 2, (short) 1).configs(Map.of("cleanup.policy", "compact")))).all().get());
        step("add partitions", () -> admin.createPartitions(Map.of("orders", NewPartitions.increaseTo(5))).all().get());
        step("set a topic's configs", () -> alter(admin, ConfigResource.Type.TOPIC, "orders", Map.of("retention.ms", "700000", "min.insync.replicas", "1")));
        step("unset a topic's config", () -> alter(admin, ConfigResource.Type.TOPIC, "orders", Collections.singletonMap("retention.ms", null)));
        step("set the default of all brokers", () -> alter(admin, ConfigResource.Type.BROKER, "", Map.of("log.cleaner.backoff.ms", "14000")));
        step("set a secret of a broker", () -> alter(admin, ConfigResource.Type.BROKER, "1", Map.of("reporter.password", secret)));
        step("unset a secret of a broker", () -> alter(admin, ConfigResource.Type.BROKER, "1", Collections.singletonMap("reporter.password", null)));
        step("set a secret of another broker", () -> alter(admin, ConfigResource.Type.BROKER, "2", Map.of("reporter.password", secret)));
        step("set a config of a group", () -> alter(admin, ConfigResource.Type.GROUP, "shipping", Map.of("consumer.session.timeout.ms", "50000")));
        step("set a config of client metrics", () -> alter(admin, ConfigResource.Type.CLIENT_METRICS, "all", Map.of("interval.ms", "10000")));
        AclBinding read = acl("orders", "User:reader", AclOperation.READ, AclPermissionType.ALLOW);
        AclBinding write = acl("orders", "User:writer", AclOperation.WRITE, AclPermissionType.DENY);
        step("add ACLs", () -> admin.createAcls(List.of(read, write)).all().get());
        step("remove an ACL", () -> admin.deleteAcls(List.of(read.toFilter())).all().get());
        quotas(admin);
        step("set a SCRAM credential", () -> admin.alterUserScramCredentials(List.of(
            new UserScramCredentialUpsertion("planted", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096), secret))).all().get());
        step("set another SCRAM credential", () -> admin.alterUserScramCredentials(List.of(
            new UserScramCredentialUpsertion("planted", new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 8192), secret))).all().get());
        step("remove a SCRAM credential", () -> admin.alterUserScramCredentials(List.of(new UserScramCredentialDeletion("planted", ScramMechanism.SCRAM_SHA_256))).all().get());
        step("turn a feature and turn it back", () -> {
            Map<String, FinalizedVersionRange> now = admin.describeFeatures().featureMetadata().get().finalizedFeatures();
            short level = now.containsKey("share.version") ? now.get("share.version").maxVersionLevel() : 0;
            for (short each : level == 0 ? new short[] {1, 0} : new short[] {0, level}) feature(admin, each);
            return null;
        });
        tokens(saslServers, password);
        step("produce with an id", () -> {
            Map<String, Object> settings = Map.of("bootstrap.servers", servers, "enable.idempotence", true);
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
                return producer.send(new ProducerRecord<>("orders", "one")).get();
            }
        });
        step("move a partition", () -> admin.alterPartitionReassignments(Map.of(new TopicPartition("orders", 0), Optional.of(new NewPartitionReassignment(List.of(3, 1))))).all().get());
        step("cordon a log directory", () -> alter(admin, ConfigResource.Type.BROKER, "1", Map.of("cordoned.log.dirs", "*")));
        step("delete a topic", () -> admin.deleteTopics(List.of("short-lived")).all().get());
    }

    private static void quotas(Admin admin) {
        ClientQuotaEntity user = new ClientQuotaEntity(Map.of(ClientQuotaEntity.USER, "billing", ClientQuotaEntity.CLIENT_ID, "app"));
        ClientQuotaEntity everyone = new ClientQuotaEntity(Collections.singletonMap(ClientQuotaEntity.USER, null));
        ClientQuotaEntity address = new ClientQuotaEntity(Map.of(ClientQuotaEntity.IP, "127.0.0.9"));
        step("set quotas", () -> admin.alterClientQuotas(List.of(
            new ClientQuotaAlteration(user, List.of(new ClientQuotaAlteration.Op("producer_byte_rate", 1e6), new ClientQuotaAlteration.Op("request_percentage", 12.5))),
            new ClientQuotaAlteration(everyone, List.of(new ClientQuotaAlteration.Op("consumer_byte_rate", 5e9))),
            new ClientQuotaAlteration(address, List.of(new ClientQuotaAlteration.Op("connection_creation_rate", 100.0))))).all().get());
        step("unset a quota", () -> admin.alterClientQuotas(List.of(new ClientQuotaAlteration(everyone, List.of(new ClientQuotaAlteration.Op("consumer_byte_rate", null))))).all().get());
    }

    private static void tokens(String saslServers, String password) {
        String login = "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"admin\" password=\"" + password + "\";";
        Map<String, Object> settings = Map.of("bootstrap.servers", saslServers, "security.protocol", "SASL_PLAINTEXT", "sasl.mechanism", "SCRAM-SHA-512", "sasl.jaas.config", login);
        try (Admin admin = Admin.create(settings)) {
            step("give delegation tokens", () -> admin.createDelegationToken().delegationToken().get());
            step("take a delegation token back", () -> {
                byte[] hmac = admin.createDelegationToken().delegationToken().get().hmac();
                // Each broker learns of a token by itself, and any of them is asked.
                for (int tries = 1; ; tries++) {
                    try {
                        return admin.expireDelegationToken(hmac, new ExpireDelegationTokenOptions().expiryTimePeriodMs(-1)).expiryTimestamp().get();
                    } catch (ExecutionException error) {
                        if (tries == 200 || !(error.getCause() instanceof DelegationTokenNotFoundException)) throw error;
                        Thread.sleep(50);
                    }
                }
            });
        }
    }

    private static void without3(Admin admin) {
        step("unregister a broker", () -> admin.unregisterBroker(3).all().get());
        step("unregister a controller", () -> {
            Object result = Admin.class.getMethod("unregisterController", int.class).invoke(admin, 3);
            return ((KafkaFuture<?>) result.getClass().getMethod("all").invoke(result)).get();
        });
    }

    private static void feature(Admin admin, short level) throws Exception {
        FeatureUpdate.UpgradeType type = level == 0 ? FeatureUpdate.UpgradeType.SAFE_DOWNGRADE : FeatureUpdate.UpgradeType.UPGRADE;
        admin.updateFeatures(Map.of("share.version", new FeatureUpdate(level, type)), new UpdateFeaturesOptions()).all().get();
    }

    private static Void alter(Admin admin, ConfigResource.Type type, String name, Map<String, String> values) throws Exception {
        List<AlterConfigOp> changes = new ArrayList<>();
        values.forEach((key, value) -> changes.add(new AlterConfigOp(new ConfigEntry(key, value), value == null ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET)));
        return admin.incrementalAlterConfigs(Map.of(new ConfigResource(type, name), changes)).all().get();
    }

    private static AclBinding acl(String topic, String principal, AclOperation operation, AclPermissionType permission) {
        return new AclBinding(new ResourcePattern(ResourceType.TOPIC, topic, PatternType.PREFIXED), new AccessControlEntry(principal, "*", operation, permission));
    }

    private static void step(String name, Callable<?> work) {
        try {
            work.call();
            System.out.println("done: " + name);
        } catch (Throwable error) {
            System.out.println("refused: " + name + ": " + error);
        }
    }
}
