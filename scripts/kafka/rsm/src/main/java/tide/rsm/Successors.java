package tide.rsm;

import java.io.IOException;
import java.util.Iterator;
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
 * vain. At most {@link #PARTITIONS} partitions are remembered, the least recently read one first to go, {@link #SEGMENTS}
 * segments of each, and {@link #TOTAL} of all: 200 bytes each.
 */
final class Successors {
  static final int PARTITIONS = 4096;
  static final int SEGMENTS = 16 << 10;
  static final int TOTAL = 128 << 10;

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

  /** A segment that was uploaded here. Of too many the oldest is forgotten. */
  synchronized void uploaded(Segment s) {
    TreeMap<String, Long> sizes = add(s);
    while (sizes.size() > SEGMENTS) {
      sizes.pollFirstEntry();
    }
  }

  /** A segment that somebody reads, or is about to. Of too many the newest is forgotten: a listing will bring it again. */
  synchronized void read(Segment s) {
    TreeMap<String, Long> sizes = add(s);
    while (sizes.size() > SEGMENTS) {
      sizes.pollLastEntry();
    }
  }

  private TreeMap<String, Long> add(Segment s) {
    Partition p = partitions.computeIfAbsent(s.partition(), k -> new Partition());
    if (p.sizes.put(s.key(), s.size()) == null) {
      forget();
    }
    return p.sizes;
  }

  /** Whole partitions go when there are too many segments in all; the last one stays. */
  private void forget() {
    long all = partitions.values().stream().mapToLong(p -> p.sizes.size()).sum();
    Iterator<Partition> oldest = partitions.values().iterator();
    while (all > TOTAL && partitions.size() > 1) {
      all -= oldest.next().sizes.size();
      oldest.remove();
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
    read(s); // first, so that the listing is asked for once
    List<ObjectStore.Listed> page = store.list(s.partition(), s.key());
    page.stream().filter(o -> o.key().endsWith(Segment.LOG)).forEach(o -> read(new Segment(o.key(), o.size())));
    synchronized (this) {
      Partition p = partitions.computeIfAbsent(s.partition(), k -> new Partition());
      p.page = page.size() < ObjectStore.PAGE || p.sizes.isEmpty() ? "" : p.sizes.lastKey();
    }
  }
}
