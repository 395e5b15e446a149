package quayside;

import com.amazonaws.services.kinesisanalytics.runtime.KinesisAnalyticsRuntime;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.StatementSet;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.TopicExistsException;

/**
 * Runs SQL files of this jar as one Flink job, with the variables of the application's properties.
 *
 * <p>Amazon Managed Service for Apache Flink supplies the properties; elsewhere the argument is a file of the same form.
 * Group {@code job} has the names of the files and the variables, {@code kafka} the settings of every Kafka client, and
 * {@code flink} the settings of Flink, which the managed service sets itself.
 */
public final class Job {
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{([a-z_.]+)}");

    private Job() {}

    public static void main(String[] arguments) throws Exception {
        boolean isLocal = arguments.length > 0;
        Map<String, Properties> groups = isLocal
                ? KinesisAnalyticsRuntime.getApplicationProperties(arguments[0])
                : KinesisAnalyticsRuntime.getApplicationProperties();
        Map<String, String> variables = map(groups, "job");
        Map<String, String> kafka = map(groups, "kafka");
        variables.put("kafka", kafkaOptions(kafka));
        createTopic(kafka, variable(variables, "topic.results"), variable(variables, "partitions"));
        TableEnvironment tables = TableEnvironment.create(EnvironmentSettings.newInstance()
                .inStreamingMode()
                .withConfiguration(Configuration.fromMap(map(groups, "flink")))
                .build());
        // A day in the tables is a day in UTC, wherever the job runs.
        tables.getConfig().set("table.local-time-zone", "UTC");
        tables.getConfig().set("table.exec.state.ttl", variable(variables, "state_ttl"));
        // A row of the results is written once for many records; it is committed at the next checkpoint anyway.
        tables.getConfig().set("table.exec.mini-batch.enabled", "true");
        tables.getConfig().set("table.exec.mini-batch.allow-latency", "5 s");
        tables.getConfig().set("table.exec.mini-batch.size", "5000");

        // All insertions are one job: a topic that several of them read is read once.
        StatementSet insertions = tables.createStatementSet();
        for (String file : variable(variables, "files").split(",")) {
            for (String statement : statements(read(file.trim()), variables)) {
                if (statement.startsWith("INSERT")) {
                    insertions.addInsertSql(statement);
                } else {
                    tables.executeSql(statement);
                }
            }
        }
        var result = insertions.execute();
        // Of a process of its own this is the whole life; the managed service watches the job itself.
        if (isLocal) {
            result.await();
        }
    }

    /** The topic of the results exists only where this job runs; the cluster's configuration says its replicas. */
    private static void createTopic(Map<String, String> settings, String name, String partitions) throws Exception {
        try (Admin admin = Admin.create(new HashMap<>(settings))) {
            NewTopic topic = new NewTopic(name, Optional.of(Integer.valueOf(partitions)), Optional.empty());
            admin.createTopics(List.of(topic)).all().get();
        } catch (ExecutionException error) {
            if (!(error.getCause() instanceof TopicExistsException)) {
                throw error;
            }
        }
    }

    private static Map<String, String> map(Map<String, Properties> groups, String name) {
        Properties group = groups.getOrDefault(name, new Properties());
        Map<String, String> values = new TreeMap<>();
        group.stringPropertyNames().forEach(key -> values.put(key, group.getProperty(key)));
        return values;
    }

    /** The lines of a WITH clause, such as {@code 'properties.security.protocol' = 'SASL_SSL'}. */
    private static String kafkaOptions(Map<String, String> settings) {
        return settings.entrySet().stream()
                .map(each -> String.format("'properties.%s' = '%s'", each.getKey(), each.getValue().replace("'", "''")))
                .collect(Collectors.joining(",\n  "));
    }

    private static String read(String file) throws IOException {
        try (InputStream content = Job.class.getResourceAsStream("/sql/" + file)) {
            if (content == null) {
                throw new IllegalArgumentException("job.files names " + file + ", which is not in this jar under sql/");
            }
            return new String(content.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Statements end with a semicolon at the end of a line; lines that begin with two hyphens are comments. */
    private static List<String> statements(String text, Map<String, String> variables) {
        String code = text.lines().filter(line -> !line.strip().startsWith("--")).collect(Collectors.joining("\n"));
        List<String> found = new ArrayList<>();
        for (String statement : code.split(";\\s*(\n|$)")) {
            if (!statement.isBlank()) {
                found.add(VARIABLE.matcher(statement.strip())
                        .replaceAll(match -> Matcher.quoteReplacement(variable(variables, match.group(1)))));
            }
        }
        return found;
    }

    private static String variable(Map<String, String> variables, String name) {
        String value = variables.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the property " + name + " of the group job is missing: set it");
        }
        return value;
    }
}
