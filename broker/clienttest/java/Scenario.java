import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Apache Kafka's own client: admin, idempotent producer with every codec, group consumer. */
public class Scenario {
    static final int PARTITIONS = 3;
    static final int PER_CODEC = 900;
    static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
    static final long BASE_TIME = 1_700_000_000_000L;

    static String addr;
    static String topic;

    public static void main(String[] args) throws Exception {
        addr = args[0];
        topic = args[1] + "-java";
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", addr))) {
            create(admin);
            List<List<String>> want = produce();
            expect("every record, once, in order", want, consume(topic + "-group", CODECS.length * PER_CODEC));
            offsets(admin);
            resume();
            admin.deleteTopics(List.of(topic)).all().get(30, TimeUnit.SECONDS);
            System.out.println("ok topic deleted");
        }
    }

    static void expect(String what, Object want, Object got) {
        if (!Objects.equals(want, got)) {
            System.err.println(what + ": expected " + want + ", found " + got);
            System.exit(1);
        }
        System.out.println("ok " + what);
    }

    static void create(Admin admin) throws Exception {
        NewTopic fresh = new NewTopic(topic, PARTITIONS, (short) 1);
        expect("partitions of a new topic", PARTITIONS, admin.createTopics(List.of(fresh)).numPartitions(topic).get());
        try {
            admin.createTopics(List.of(fresh)).all().get();
            expect("creating it again", "refused", "accepted");
        } catch (ExecutionException e) {
            expect("creating it again", TopicExistsException.class, e.getCause().getClass());
        }
        expect("the topic is listed", true, admin.listTopics().names().get().contains(topic));
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
        expect("cleanup.policy is described", "delete", config.get("cleanup.policy").value());
    }

    /** Every codec by an idempotent producer; returns what each partition must hold, in order. */
    static List<List<String>> produce() throws Exception {
        List<List<String>> want = new ArrayList<>();
        for (int p = 0; p < PARTITIONS; p++) {
            want.add(new ArrayList<>());
        }
        for (String codec : CODECS) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            try (KafkaProducer<String, String> producer = producer(codec)) {
                for (int i = 0; i < PER_CODEC; i++) {
                    ProducerRecord<String, String> r =
                            new ProducerRecord<>(topic, i % PARTITIONS, BASE_TIME + i, "k" + i, codec + " " + i);
                    r.headers().add("codec", codec.getBytes());
                    sent.add(producer.send(r));
                    want.get(i % PARTITIONS).add(line("k" + i, codec + " " + i, codec, BASE_TIME + i));
                }
            }
            for (Future<RecordMetadata> f : sent) {
                f.get(30, TimeUnit.SECONDS);
            }
            System.out.println("ok produced with " + codec);
        }
        return want;
    }

    static KafkaProducer<String, String> producer(String codec) {
        return new KafkaProducer<>(
                Map.of("bootstrap.servers", addr, "acks", "all", "enable.idempotence", "true",
                        "compression.type", codec, "linger.ms", "5"),
                new StringSerializer(), new StringSerializer());
    }

    static String line(String key, String value, String header, long time) {
        return key + "|" + value + "|" + header + "|" + time;
    }

    /** Reads count records in a group, checks that offsets follow each other, and commits. */
    static List<List<String>> consume(String group, int count) {
        List<List<String>> got = new ArrayList<>();
        for (int p = 0; p < PARTITIONS; p++) {
            got.add(new ArrayList<>());
        }
        Map<Integer, Long> next = new HashMap<>();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
                Map.of("bootstrap.servers", addr, "group.id", group, "auto.offset.reset", "earliest",
                        "enable.auto.commit", "false"),
                new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic));
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            for (int read = 0; read < count && System.nanoTime() < deadline; ) {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(500));
                read += records.count();
                for (ConsumerRecord<String, String> r : records) {
                    long expected = next.getOrDefault(r.partition(), r.offset());
                    if (r.offset() != expected) {
                        expect("offset in partition " + r.partition(), expected, r.offset());
                    }
                    next.put(r.partition(), r.offset() + 1);
                    String header = r.headers().lastHeader("codec") == null
                            ? "" : new String(r.headers().lastHeader("codec").value());
                    got.get(r.partition()).add(line(r.key(), r.value(), header, r.timestamp()));
                }
            }
            consumer.commitSync();
        }
        return got;
    }

    static void offsets(Admin admin) throws Exception {
        TopicPartition p = new TopicPartition(topic, 1);
        long end = (long) CODECS.length * PER_CODEC / PARTITIONS;
        expect("latest", end, admin.listOffsets(Map.of(p, OffsetSpec.latest())).partitionResult(p).get().offset());
        expect("earliest", 0L, admin.listOffsets(Map.of(p, OffsetSpec.earliest())).partitionResult(p).get().offset());
        expect("offset for a time", 2L,
                admin.listOffsets(Map.of(p, OffsetSpec.forTimestamp(BASE_TIME + 5))).partitionResult(p).get().offset());
    }

    /** What the group committed is where its next member begins. */
    static void resume() throws Exception {
        try (KafkaProducer<String, String> producer = producer("none")) {
            producer.send(new ProducerRecord<>(topic, 0, BASE_TIME, "k", "later")).get(30, TimeUnit.SECONDS);
        }
        List<List<String>> got = consume(topic + "-group", 1);
        expect("a committed group reads only what is new", List.of(line("k", "later", "", BASE_TIME)), got.get(0));
    }
}
