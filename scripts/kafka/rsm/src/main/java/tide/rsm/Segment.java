package tide.rsm;

import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentMetadata;

/**
 * A segment as its object: key and size. Keys of a partition sort by base offset.
 *
 * <pre>
 * PREFIX TOPIC-TOPICID/PARTITION/BASE-SEGMENTID.log       the records
 * PREFIX TOPIC-TOPICID/PARTITION/BASE-SEGMENTID.indexes   see {@link Indexes}
 * </pre>
 */
record Segment(String key, long size) {
  static final String LOG = ".log";

  static Segment of(String prefix, RemoteLogSegmentMetadata m) {
    TopicIdPartition p = m.topicIdPartition();
    String key =
        String.format(
            "%s%s-%s/%d/%020d-%s%s",
            prefix, p.topic(), p.topicId(), p.partition(), m.startOffset(), m.remoteLogSegmentId().id(), LOG);
    return new Segment(key, m.segmentSizeInBytes());
  }

  String indexes() {
    return key.substring(0, key.length() - LOG.length()) + ".indexes";
  }

  /** What all keys of the partition begin with. */
  String partition() {
    return key.substring(0, key.lastIndexOf('/') + 1);
  }

  int chunks(int chunkBytes) {
    return (int) ((size + chunkBytes - 1) / chunkBytes);
  }
}
