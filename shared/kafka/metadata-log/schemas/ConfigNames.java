import java.lang.reflect.Member;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;

/** Prints `resource name TYPE` of every config in Kafka's own definitions: java -cp 'libs/*' ConfigNames.java. */
public class ConfigNames {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> classes = new TreeMap<>(Map.of(
            "broker", "kafka.server.KafkaConfig",
            "topic", "org.apache.kafka.storage.internals.log.LogConfig",
            "group", "org.apache.kafka.coordinator.group.GroupConfig",
            "client-metrics", "org.apache.kafka.server.metrics.ClientMetricsConfigs"));
        for (Map.Entry<String, String> entry : classes.entrySet()) {
            for (ConfigDef.ConfigKey key : definition(Class.forName(entry.getValue())).configKeys().values()) {
                System.out.println(entry.getKey() + " " + key.name + " " + key.type);
            }
        }
    }

    private static ConfigDef definition(Class<?> owner) throws Exception {
        for (String method : new String[] {"configDef", "configDefCopy"}) {
            try {
                return (ConfigDef) owner.getMethod(method).invoke(null);
            } catch (NoSuchMethodException notInThisRelease) {
                continue;
            }
        }
        return (ConfigDef) owner.getField("CONFIG_DEF").get(null);
    }
}
