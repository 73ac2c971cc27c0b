package tide.rsm;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which segment comes behind which. Kafka tells a plug-in of one segment at a time, so a prefetch would stop at its end; with
 * this it goes on into the next one. Segments that were uploaded here are known; of others a page of the bucket's listing is
 * read when a reader first comes to one that is not.
 *
 * <p>It is a hint and nothing more: a segment that was deleted meanwhile, or whose upload Kafka gave up, is a prefetch in
 * vain. At most {@link #PARTITIONS} partitions are remembered, the least recently read one first to go, and {@link #SEGMENTS}
 * segments of each.
 */
final class Successors {
  static final int PARTITIONS = 4096;
  static final int SEGMENTS = 16 << 10;

  private static final class Partition {
    private final TreeMap<String, Long> sizes = new TreeMap<>(); // by key
    private String page = ""; // the last key of a listing that was full: there are more behind it
  }

  private final ObjectStore store;
  private final Map<String, Partition> partitions; // guarded by this

  Successors(ObjectStore store) {
    this.store = store;
    this.partitions =
        new LinkedHashMap<>(16, 0.75f, true) {
          private static final long serialVersionUID = 1;

          @Override
          protected boolean removeEldestEntry(Map.Entry<String, Partition> eldest) {
            return size() > PARTITIONS;
          }
        };
  }

  synchronized void add(Segment s) {
    Partition p = partitions.computeIfAbsent(s.partition(), k -> new Partition());
    p.sizes.put(s.key(), s.size());
    while (p.sizes.size() > SEGMENTS) {
      p.sizes.pollFirstEntry();
    }
  }

  synchronized void remove(Segment s) {
    Partition p = partitions.get(s.partition());
    if (p != null) {
      p.sizes.remove(s.key());
    }
  }

  /** Whether a listing would tell more about what is behind s. */
  synchronized boolean wantsListing(Segment s) {
    Partition p = partitions.get(s.partition());
    return p == null || !p.sizes.containsKey(s.key()) || p.page.equals(s.key());
  }

  /** The segment behind s, as far as it is known; null: none. */
  synchronized Segment after(Segment s) {
    Partition p = partitions.get(s.partition());
    Map.Entry<String, Long> next = p == null ? null : p.sizes.higherEntry(s.key());
    return next == null ? null : new Segment(next.getKey(), next.getValue());
  }

  /** Reads a page of the listing from s on. */
  void list(Segment s) throws IOException {
    add(s); // first, so that the listing is asked for once
    List<ObjectStore.Listed> page = store.list(s.partition(), s.key());
    page.stream().filter(o -> o.key().endsWith(Segment.LOG)).forEach(o -> add(new Segment(o.key(), o.size())));
    synchronized (this) {
      Partition p = partitions.computeIfAbsent(s.partition(), k -> new Partition());
      p.page = page.size() < ObjectStore.PAGE || p.sizes.isEmpty() ? "" : p.sizes.lastKey();
    }
  }
}
