"""librdkafka through confluent-kafka: admin, producer, group consumer."""

import sys

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic

ADDR, PREFIX = sys.argv[1:3]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
PARTITIONS = 4
PER_CODEC = 1000


def expect(what, want, got):
    if want != got:
        sys.exit(f"{what}: expected {want!r}, found {got!r}")
    print("ok", what)


def create(admin, name):
    for future in admin.create_topics([NewTopic(name, PARTITIONS, 1)]).values():
        future.result(30)
    found = admin.list_topics(name, 30).topics[name]
    expect("partitions of a new topic", PARTITIONS, len(found.partitions))
    try:
        next(iter(admin.create_topics([NewTopic(name, 1, 1)]).values())).result(30)
        sys.exit("a topic was created twice")
    except Exception as e:  # the future raises KafkaException
        expect("creating it again", KafkaError.TOPIC_ALREADY_EXISTS, e.args[0].code())


def describe(admin, name):
    resource = ConfigResource(ConfigResource.Type.TOPIC, name)
    configs = next(iter(admin.describe_configs([resource]).values())).result(30)
    expect("cleanup.policy is described", "delete", configs["cleanup.policy"].value)


def produce(name):
    """Every codec by an idempotent producer; returns what each partition must hold, in order."""
    want, failed = {p: [] for p in range(PARTITIONS)}, []

    def delivered(err, msg):
        if err is not None:
            failed.append(str(err))

    for codec in CODECS:
        producer = Producer({
            "bootstrap.servers": ADDR, "enable.idempotence": True, "compression.type": codec, "linger.ms": 5,
        })
        for i in range(PER_CODEC):
            p, value = i % PARTITIONS, f"{codec} {i}".encode() * 20
            producer.produce(
                name, value, b"k%d" % i, p, on_delivery=delivered, timestamp=1700000000000 + i,
                headers=[("codec", codec.encode()), ("empty", None)],
            )
            producer.poll(0)
            want[p].append((b"k%d" % i, value, [("codec", codec.encode()), ("empty", None)], 1700000000000 + i))
        expect(f"{codec}: nothing left to deliver", 0, producer.flush(60))
    expect("delivery failures", [], failed)
    return want


def consume(group, name, count):
    """Reads count records in a group, commits, and returns them by partition."""
    consumer = Consumer({
        "bootstrap.servers": ADDR, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "check.crcs": True,
    })
    consumer.subscribe([name])
    got, last, read, idle = {p: [] for p in range(PARTITIONS)}, {}, 0, 0
    while read < count and idle < 60:
        messages = consumer.consume(500, 1.0)
        idle = 0 if messages else idle + 1
        for m in messages:
            if m.error():
                sys.exit(f"consume: {m.error()}")
            if m.offset() != last.get(m.partition(), m.offset() - 1) + 1:
                sys.exit(f"partition {m.partition()}: offset {m.offset()} after {last[m.partition()]}")
            last[m.partition()] = m.offset()
            got[m.partition()].append((m.key(), m.value(), m.headers(), m.timestamp()[1]))
            read += 1
    consumer.commit(asynchronous=False)
    consumer.close()
    return got


def resume(group, name):
    """What the group committed is where its next member begins."""
    producer = Producer({"bootstrap.servers": ADDR})
    producer.produce(name, b"later", partition=0)
    producer.flush(60)
    got = consume(group, name, 1)
    expect("a committed group reads only what is new", [b"later"], [m[1] for m in got[0]])


def watermarks(name):
    consumer = Consumer({"bootstrap.servers": ADDR, "group.id": PREFIX + "-none"})
    low, high = consumer.get_watermark_offsets(TopicPartition(name, 1), 30)
    expect("watermarks", (0, len(CODECS) * PER_CODEC // PARTITIONS), (low, high))
    at = consumer.offsets_for_times([TopicPartition(name, 1, 1700000000005)], 30)[0]
    expect("offset for a time", 1, at.offset)
    consumer.close()


def main():
    admin, name, group = AdminClient({"bootstrap.servers": ADDR}), PREFIX + "-confluent", PREFIX + "-confluent-group"
    create(admin, name)
    describe(admin, name)
    want = produce(name)
    got = consume(group, name, PER_CODEC * len(CODECS))
    expect("every record, once, in order", True, got == want)
    watermarks(name)
    resume(group, name)
    next(iter(admin.delete_topics([name]).values())).result(30)
    print("ok topic deleted")


main()
