"""kafka-python, a client in pure Python: admin, producer, a group of two, seek."""

import sys
import threading
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import RebalanceInProgressError, TopicAlreadyExistsError

ADDR, PREFIX = sys.argv[1:3]
PARTITIONS, COUNT = 3, 900
DEADLINE = time.monotonic() + 90


def expect(what, want, got):
    if want != got:
        sys.exit(f"{what}: expected {want!r}, found {got!r}")
    print("ok", what)


def create(name):
    admin = KafkaAdminClient(bootstrap_servers=ADDR)
    admin.create_topics([NewTopic(name=name, num_partitions=PARTITIONS, replication_factor=1)])
    try:
        admin.create_topics([NewTopic(name=name, num_partitions=1, replication_factor=1)])
        sys.exit("a topic was created twice")
    except TopicAlreadyExistsError:
        print("ok creating it again is refused")
    expect("the topic is listed", True, name in admin.list_topics())
    return admin


def produce(name):
    producer = KafkaProducer(bootstrap_servers=ADDR, acks="all", compression_type="gzip", linger_ms=5)
    sent = [
        producer.send(name, b"v%d" % i, b"k%d" % i, [("n", b"%d" % i)], i % PARTITIONS, 1700000000000 + i)
        for i in range(COUNT)
    ]
    producer.flush(60)
    offsets = [f.get(30).offset for f in sent]
    expect("offsets as acknowledged", [i // PARTITIONS for i in range(COUNT)], offsets)
    producer.close()


class Member(threading.Thread):
    """One member of the group; it reads until told to stop."""

    def __init__(self, group, name):
        super().__init__(daemon=True)
        self.consumer = KafkaConsumer(
            name, bootstrap_servers=ADDR, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False,
            session_timeout_ms=10000, heartbeat_interval_ms=500,
        )
        self.records, self.owned, self.done = [], set(), threading.Event()

    def run(self):
        while not self.done.is_set():
            for batch in self.consumer.poll(200).values():
                self.records += batch
            self.owned = self.consumer.assignment()
            try:
                self.consumer.commit()
            except RebalanceInProgressError:
                pass  # the next poll finishes the rebalance; nothing was read in between
        self.consumer.close()


def wait(what, condition):
    while not condition():
        if time.monotonic() > DEADLINE:
            sys.exit(f"{what}: not within the time")
        time.sleep(0.05)
    print("ok", what)


def group_of_two(group, name):
    """One member reads all; a second one joins and they share; it leaves and the first has all again."""
    first = Member(group, name)
    first.start()
    wait("one member reads everything", lambda: len(first.records) == COUNT)
    expect("every record, once", sorted(b"v%d" % i for i in range(COUNT)), sorted(r.value for r in first.records))
    for p in range(PARTITIONS):
        mine = [r for r in first.records if r.partition == p]
        expect(f"partition {p} in order", [i // PARTITIONS for i in range(p, COUNT, PARTITIONS)], [r.offset for r in mine])
        expect(f"partition {p} keys, headers, timestamps", True, all(
            (r.key[1:] == r.value[1:] == r.headers[0][1] and r.timestamp == 1700000000000 + int(r.value[1:])) for r in mine))
    second = Member(group, name)
    second.start()
    wait("two members share the partitions", lambda: first.owned and second.owned and not first.owned & second.owned
         and len(first.owned | second.owned) == PARTITIONS)
    second.done.set()
    second.join(30)
    wait("the one that stays has all again", lambda: len(first.owned) == PARTITIONS)
    first.done.set()
    first.join(30)
    expect("nothing was read twice", COUNT, len(first.records) + len(second.records))


def seek(name):
    consumer = KafkaConsumer(bootstrap_servers=ADDR, enable_auto_commit=False)
    p = TopicPartition(name, 1)
    consumer.assign([p])
    expect("end offset", {p: COUNT // PARTITIONS}, consumer.end_offsets([p]))
    expect("offset for a time", 2, consumer.offsets_for_times({p: 1700000000005})[p].offset)
    consumer.seek(p, 100)
    wait("seek", lambda: bool(got := consumer.poll(500)) and got[p][0].offset == 100)
    consumer.close()


def main():
    name = PREFIX + "-kafkapython"
    admin = create(name)
    produce(name)
    group_of_two(PREFIX + "-kafkapython-group", name)
    seek(name)
    admin.delete_topics([name])
    print("ok topic deleted")
    admin.close()


main()
