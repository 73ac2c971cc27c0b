package tide.rsm;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.EnumMap;
import java.util.Map;
import org.apache.kafka.server.log.remote.storage.LogSegmentData;
import org.apache.kafka.server.log.remote.storage.RemoteStorageManager.IndexType;

/**
 * All indexes of a segment in one object, so that they cost one PUT and one GET instead of five and three.
 *
 * <pre>
 * 0        magic "TRSI"
 * 4        length of the offset index      i32, big-endian, −1: there is none
 * 8        length of the time index
 * 12       length of the producer snapshot
 * 16       length of the transaction index
 * 20       length of the leader epochs
 * 24       the indexes, in this order
 * </pre>
 */
final class Indexes {
  private static final int MAGIC = 0x54525349;
  private static final IndexType[] ORDER = {
    IndexType.OFFSET, IndexType.TIMESTAMP, IndexType.PRODUCER_SNAPSHOT, IndexType.TRANSACTION, IndexType.LEADER_EPOCH
  };
  private static final int HEADER = 4 + 4 * ORDER.length;

  private Indexes() {}

  static byte[] encode(LogSegmentData data) throws IOException {
    Map<IndexType, byte[]> all = new EnumMap<>(IndexType.class);
    all.put(IndexType.OFFSET, Files.readAllBytes(data.offsetIndex()));
    all.put(IndexType.TIMESTAMP, Files.readAllBytes(data.timeIndex()));
    all.put(IndexType.PRODUCER_SNAPSHOT, Files.readAllBytes(data.producerSnapshotIndex()));
    if (data.transactionIndex().isPresent()) {
      all.put(IndexType.TRANSACTION, Files.readAllBytes(data.transactionIndex().get()));
    }
    ByteBuffer epochs = data.leaderEpochIndex().duplicate();
    byte[] copy = new byte[epochs.remaining()];
    epochs.get(copy);
    all.put(IndexType.LEADER_EPOCH, copy);
    return encode(all);
  }

  static byte[] encode(Map<IndexType, byte[]> all) {
    ByteBuffer out = ByteBuffer.allocate(HEADER + all.values().stream().mapToInt(b -> b.length).sum());
    out.putInt(MAGIC);
    for (IndexType t : ORDER) {
      out.putInt(all.containsKey(t) ? all.get(t).length : -1);
    }
    for (IndexType t : ORDER) {
      out.put(all.getOrDefault(t, new byte[0]));
    }
    return out.array();
  }

  /** An index that the segment has not is not in the map. */
  static Map<IndexType, byte[]> decode(String key, byte[] object) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(object);
    if (object.length < HEADER || in.getInt() != MAGIC) {
      throw new IOException(key + " is no index object of this plug-in");
    }
    Map<IndexType, byte[]> all = new EnumMap<>(IndexType.class);
    int at = HEADER;
    for (IndexType t : ORDER) {
      int length = in.getInt();
      if (length < -1 || length > object.length - at) {
        throw new IOException(key + ": " + t + " of " + length + " bytes at " + at + " in an object of " + object.length);
      }
      if (length >= 0) {
        byte[] index = new byte[length];
        System.arraycopy(object, at, index, 0, length);
        all.put(t, index);
        at += length;
      }
    }
    return all;
  }
}
