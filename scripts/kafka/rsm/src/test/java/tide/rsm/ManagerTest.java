package tide.rsm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.server.log.remote.storage.LogSegmentData;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentId;
import org.apache.kafka.server.log.remote.storage.RemoteLogSegmentMetadata;
import org.apache.kafka.server.log.remote.storage.RemoteResourceNotFoundException;
import org.apache.kafka.server.log.remote.storage.RemoteStorageException;
import org.apache.kafka.server.log.remote.storage.RemoteStorageManager.IndexType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManagerTest {
  private static final int CHUNK = 64 << 10;
  private static final TopicIdPartition PARTITION = new TopicIdPartition(Uuid.randomUuid(), 3, "t");

  @TempDir Path dir;
  private final MemStore store = new MemStore();
  private final Random random = new Random(1);
  private S3RemoteStorageManager manager;

  private S3RemoteStorageManager open(String... more) {
    Map<String, String> c = new HashMap<>(Map.of("s3.bucket", "b", "s3.prefix", "p", "chunk.bytes", "" + CHUNK));
    c.putAll(Map.of("cache.dir", dir.resolve("cache").toString(), "cache.bytes", "" + 64 * CHUNK, "prefetch.bytes", "0"));
    for (int i = 0; i < more.length; i += 2) {
      c.put(more[i], more[i + 1]);
    }
    manager = new S3RemoteStorageManager(store);
    manager.configure(c);
    return manager;
  }

  @AfterEach
  void close() {
    if (manager != null) {
      manager.close();
    }
  }

  private RemoteLogSegmentMetadata copy(long base, byte[] bytes) throws Exception {
    var id = new RemoteLogSegmentId(PARTITION, Uuid.randomUuid());
    var m = new RemoteLogSegmentMetadata(id, base, base + 9, 0, 1, 0, bytes.length, Map.of(0, 0L));
    Path log = Files.write(dir.resolve("log"), bytes);
    Path index = Files.write(dir.resolve("index"), new byte[] {1, 2, 3});
    manager.copyLogSegmentData(
        m, new LogSegmentData(log, index, index, Optional.empty(), index, ByteBuffer.wrap(new byte[] {7})));
    return m;
  }

  private byte[] bytes(int n) {
    byte[] b = new byte[n];
    random.nextBytes(b);
    return b;
  }

  /** Any range of a segment is the same bytes, with a cache and without. */
  @Test
  void ranges() throws Exception {
    for (String cache : new String[] {"0", "" + 2 * CHUNK, "" + 64 * CHUNK}) {
      open("cache.bytes", cache);
      byte[] all = bytes(5 * CHUNK + 17);
      var m = copy(0, all);
      for (int i = 0; i < 50; i++) {
        int from = random.nextInt(all.length), to = from + random.nextInt(all.length - from);
        try (InputStream in = manager.fetchLogSegment(m, from, to)) {
          assertArrayEquals(Arrays.copyOfRange(all, from, to + 1), in.readAllBytes());
        }
      }
      try (InputStream in = manager.fetchLogSegment(m, CHUNK - 1)) {
        assertEquals(3, in.skip(3));
        assertEquals(all[CHUNK + 2] & 0xff, in.read());
        in.skip(Long.MAX_VALUE);
        assertEquals(-1, in.read());
      }
      assertEquals(0, manager.fetchLogSegment(m, all.length).readAllBytes().length);
      assertThrows(RemoteStorageException.class, () -> manager.fetchLogSegment(m, all.length + 1));
      manager.close();
    }
  }

  /** Reading to the end of a segment reads ahead into the next one, its indexes too, once. */
  @Test
  void prefetchCrossesSegments() throws Exception {
    open("prefetch.bytes", "" + 4 * CHUNK);
    byte[] first = bytes(2 * CHUNK), second = bytes(8 * CHUNK);
    var a = copy(0, first);
    var b = copy(10, second);
    try (InputStream in = manager.fetchLogSegment(a, 0, 10)) {
      assertEquals(11, in.readAllBytes().length);
    }
    // Chunk 0 on demand; ahead of it: chunk 1, and three of the next segment with its indexes.
    await(() -> store.gets.get() == 6);
    try (InputStream in = manager.fetchLogSegment(b, 0, 3 * CHUNK - 1)) {
      assertArrayEquals(Arrays.copyOf(second, 3 * CHUNK), in.readAllBytes());
    }
    assertEquals(1, manager.metrics().get("tide_rsm_cache_misses_total"));
    assertEquals(3, manager.metrics().get("tide_rsm_prefetch_used_total"));
    manager.fetchIndex(b, IndexType.OFFSET);
    await(() -> store.gets.get() == 10); // four more ahead, and no second reading of the index
  }

  /** A broker that has begun anew learns of the next segments from a listing, once. */
  @Test
  void prefetchAfterRestart() throws Exception {
    open();
    var a = copy(0, bytes(CHUNK));
    copy(10, bytes(CHUNK));
    manager.close();
    store.gets.set(0);
    open("prefetch.bytes", "" + 4 * CHUNK);
    for (int i = 0; i < 3; i++) {
      manager.fetchLogSegment(a, 0).readAllBytes();
      await(() -> store.lists.get() == 1);
    }
    await(() -> {
      manager.fetchLogSegment(a, 0).readAllBytes();
      return store.gets.get() == 3; // two chunks and an index object
    });
    assertEquals(1, store.lists.get());
  }

  /** The cache stays within its bound, and gives back what was dropped. */
  @Test
  void bounds() throws Exception {
    open("cache.bytes", "" + 4 * CHUNK, "prefetch.bytes", "" + 64 * CHUNK);
    var m = copy(0, bytes(32 * CHUNK));
    manager.fetchLogSegment(m, 0).readAllBytes();
    String text = manager.metrics().text();
    assertTrue(text.contains("tide_rsm_cache_capacity_bytes " + 4 * CHUNK), text);
    assertTrue(gauge(text, "tide_rsm_cache_bytes") <= 4 * CHUNK, text);
    assertTrue(manager.metrics().get("tide_rsm_cache_evictions_total") > 0, text);
    assertTrue(manager.metrics().get("tide_rsm_prefetch_refused_total") > 0, text);
    try (var files = Files.list(dir.resolve("cache"))) {
      assertEquals(0, files.count(), "a chunk's file has no name");
    }
  }

  private static long gauge(String text, String name) {
    return text.lines().filter(l -> l.startsWith(name + " ")).mapToLong(l -> Long.parseLong(l.split(" ")[1])).sum();
  }

  @Test
  void indexes() throws Exception {
    open();
    var m = copy(0, bytes(10));
    assertArrayEquals(new byte[] {1, 2, 3}, manager.fetchIndex(m, IndexType.TIMESTAMP).readAllBytes());
    assertArrayEquals(new byte[] {7}, manager.fetchIndex(m, IndexType.LEADER_EPOCH).readAllBytes());
    assertEquals(1, store.gets.get());
    assertThrows(RemoteResourceNotFoundException.class, () -> manager.fetchIndex(m, IndexType.TRANSACTION));
    assertEquals(2, store.objects.size());
    manager.deleteLogSegmentData(m);
    assertEquals(0, store.objects.size());
    manager.deleteLogSegmentData(m); // again: it may be told to
    assertThrows(RemoteResourceNotFoundException.class, () -> manager.fetchLogSegment(m, 0));
    assertThrows(RemoteResourceNotFoundException.class, () -> manager.fetchIndex(m, IndexType.OFFSET));
    assertThrows(IOException.class, () -> Indexes.decode("k", new byte[30]));
    byte[] cut = Arrays.copyOf(Indexes.encode(Map.of(IndexType.OFFSET, new byte[9])), 30);
    assertThrows(IOException.class, () -> Indexes.decode("k", cut));
  }

  /** The admin port counts, and empties the cache, but not what is being read. */
  @Test
  void admin() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    open("metrics.port", "" + port);
    var m = copy(0, bytes(3 * CHUNK));
    InputStream held = manager.fetchLogSegment(m, 0);
    held.read();
    manager.fetchLogSegment(m, CHUNK).readAllBytes();
    assertEquals("{\"dropped_bytes\":" + 2 * CHUNK + "}\n", ask(port, "POST", "/cache/drop"));
    assertEquals(CHUNK, gauge(ask(port, "GET", "/metrics"), "tide_rsm_cache_bytes"));
    held.close();
    assertEquals("{\"dropped_bytes\":" + CHUNK + "}\n", ask(port, "POST", "/cache/drop"));
    assertEquals("405", ask(port, "GET", "/cache/drop"));
    manager.fetchLogSegment(m, 0).readAllBytes();
    assertEquals(6, manager.metrics().get("tide_rsm_cache_misses_total"), "what was dropped is loaded again");
  }

  private static String ask(int port, String method, String path) throws Exception {
    var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).method(method, BodyPublishers.noBody());
    var answer = HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofString());
    return answer.statusCode() == 200 ? answer.body() : "" + answer.statusCode();
  }

  /** What failed is asked for again, and is not kept as failed. */
  @Test
  void failure() throws Exception {
    open("prefetch.bytes", "" + 4 * CHUNK);
    byte[] all = bytes(3 * CHUNK);
    var m = copy(0, all);
    store.broken = true;
    assertThrows(Exception.class, () -> manager.fetchLogSegment(m, 0).readAllBytes());
    assertThrows(RemoteStorageException.class, () -> manager.fetchIndex(m, IndexType.OFFSET));
    store.broken = false;
    await(() -> {
      try {
        return Arrays.equals(all, manager.fetchLogSegment(m, 0).readAllBytes());
      } catch (RemoteStorageException | IOException e) {
        return false; // a prefetch that failed meanwhile
      }
    });
    assertEquals(3, manager.fetchIndex(m, IndexType.OFFSET).readAllBytes().length);
  }

  /** What a store throws that it should not throw fails one reader, and not all that come later. */
  @Test
  void unexpectedFailure() throws Exception {
    open();
    byte[] all = bytes(CHUNK + 1);
    var m = copy(0, all);
    store.thrown = new IllegalArgumentException("never seen before");
    assertThrows(RemoteStorageException.class, () -> manager.fetchLogSegment(m, 0));
    assertThrows(RemoteStorageException.class, () -> manager.fetchIndex(m, IndexType.OFFSET));
    store.thrown = null;
    assertArrayEquals(all, manager.fetchLogSegment(m, 0).readAllBytes());
    assertEquals(3, manager.fetchIndex(m, IndexType.OFFSET).readAllBytes().length);
    assertEquals(3, manager.metrics().get("tide_rsm_cache_misses_total"));
    assertEquals(all.length, gauge(manager.metrics().text(), "tide_rsm_cache_bytes"), "what failed is not counted");
  }

  /** A segment that is gone is told when it is opened, and one that is copied twice is there once. */
  @Test
  void contract() throws Exception {
    for (String cache : new String[] {"0", "" + 64 * CHUNK}) {
      open("cache.bytes", cache);
      var m = copy(0, bytes(CHUNK));
      byte[] again = bytes(CHUNK);
      Path log = Files.write(dir.resolve("again"), again);
      manager.copyLogSegmentData(
          m, new LogSegmentData(log, log, log, Optional.of(log), log, ByteBuffer.wrap(new byte[] {8})));
      assertArrayEquals(again, manager.fetchLogSegment(m, 0, Integer.MAX_VALUE).readAllBytes());
      assertArrayEquals(again, manager.fetchIndex(m, IndexType.TRANSACTION).readAllBytes());
      assertEquals(2, store.objects.size());
      manager.deleteLogSegmentData(m);
      assertThrows(RemoteResourceNotFoundException.class, () -> manager.fetchLogSegment(m, 0));
      assertThrows(RemoteResourceNotFoundException.class, () -> manager.fetchLogSegment(m, 3, 4));
      assertThrows(RemoteStorageException.class, () -> manager.fetchLogSegment(m, -1));
      manager.close();
      manager.close();
    }
  }

  /** An interrupt closes the file that its thread reads: others get the chunk anew. */
  @Test
  void interruptedReader() throws Exception {
    open();
    byte[] all = bytes(CHUNK);
    var m = copy(0, all);
    try (InputStream held = manager.fetchLogSegment(m, 0);
        InputStream interrupted = manager.fetchLogSegment(m, 0)) {
      Thread.currentThread().interrupt();
      assertThrows(IOException.class, interrupted::read);
      assertTrue(Thread.interrupted());
      assertThrows(IOException.class, held::read);
    }
    assertArrayEquals(all, manager.fetchLogSegment(m, 0).readAllBytes());
    assertEquals(all.length, gauge(manager.metrics().text(), "tide_rsm_cache_bytes"));
  }

  /** Many readers of one small cache: each gets its bytes, and nothing stays held. */
  @Test
  void manyReaders() throws Exception {
    open("cache.bytes", "" + 8 * CHUNK, "prefetch.bytes", "" + 3 * CHUNK, "fetch.threads", "4");
    byte[][] all = {bytes(9 * CHUNK + 1), bytes(5 * CHUNK), bytes(CHUNK / 2)};
    var m = new RemoteLogSegmentMetadata[] {copy(0, all[0]), copy(10, all[1]), copy(20, all[2])};
    try (var threads = new Side(6)) {
      for (int t = 0; t < 6; t++) {
        Random r = new Random(t);
        threads.run(() -> {
          for (int i = 0; i < 100; i++) {
            int s = r.nextInt(3), from = r.nextInt(all[s].length), to = from + r.nextInt(Math.min(3 * CHUNK, all[s].length - from));
            try (InputStream in = manager.fetchLogSegment(m[s], from, to)) {
              int skipped = (int) in.skip(r.nextInt(100));
              assertArrayEquals(Arrays.copyOfRange(all[s], from + skipped, to + 1), in.readAllBytes());
            }
          }
          return null;
        });
      }
    }
    manager.close();
    assertEquals(0, gauge(manager.metrics().text(), "tide_rsm_cache_bytes"));
    assertEquals(0, gauge(manager.metrics().text(), "tide_rsm_cache_unread_bytes"));
  }

  /** Runs tasks side by side; its end waits for them and throws what they threw. */
  private static final class Side implements AutoCloseable {
    private final ExecutorService pool;
    private final List<Future<?>> tasks = new ArrayList<>();

    Side(int n) {
      pool = Executors.newFixedThreadPool(n);
    }

    void run(Callable<?> task) {
      tasks.add(pool.submit(task));
    }

    @Override
    public void close() throws Exception {
      pool.shutdown();
      for (var t : tasks) {
        t.get();
      }
    }
  }

  /** A reader of what was forgotten has its neighbourhood listed once, not at every chunk. */
  @Test
  void successorsOfTheForgotten() throws Exception {
    var successors = new Successors(store);
    for (int i = 0; i < Successors.SEGMENTS + 3; i++) {
      successors.uploaded(numbered("t/0/", i));
    }
    for (int i = 0; i < 3; i++) {
      store.put(numbered("t/0/", i).key(), new byte[i + 1]);
    }
    assertTrue(successors.wantsListing(numbered("t/0/", 1)));
    assertEquals(numbered("t/0/", 4), successors.after(numbered("t/0/", 3)));
    successors.list(numbered("t/0/", 0));
    for (int i = 0; i < 3; i++) {
      assertTrue(!successors.wantsListing(numbered("t/0/", i)), "" + i);
      assertEquals(numbered("t/0/", i + 1), successors.after(numbered("t/0/", i)));
    }
    assertTrue(successors.wantsListing(numbered("t/0/", Successors.SEGMENTS + 2)), "the newest one made room");
    for (int p = 1; p <= Successors.TOTAL; p++) {
      successors.uploaded(numbered("t/1/", p % Successors.SEGMENTS));
      successors.uploaded(numbered("t/" + (2 + p / Successors.SEGMENTS) + "/", p % Successors.SEGMENTS));
    }
    assertTrue(successors.wantsListing(numbered("t/0/", 1)), "too many in all: the partition read least recently is gone");
    assertTrue(!successors.wantsListing(numbered("t/1/", 1)));
  }

  private static Segment numbered(String partition, int i) {
    return new Segment(String.format("%s%020d%s", partition, i, Segment.LOG), i + 1);
  }

  /** Indexes of large segments do not fill the heap: the oldest go, and are had again. */
  @Test
  void indexCacheIsBounded() throws Exception {
    var indexes = new IndexCache(store, 2500);
    var segments = new Segment[4];
    for (int i = 0; i < segments.length; i++) {
      segments[i] = new Segment("t/0/" + i + Segment.LOG, 1);
      store.put(segments[i].indexes(), Indexes.encode(Map.of(IndexType.OFFSET, new byte[1000 - 24])));
      assertEquals(976, indexes.get(segments[i], IndexType.OFFSET).length);
    }
    assertEquals(2000, indexes.bytes());
    indexes.get(segments[3], IndexType.OFFSET);
    assertEquals(4, store.gets.get());
    indexes.get(segments[0], IndexType.OFFSET);
    assertEquals(5, store.gets.get());
    store.put(segments[1].indexes(), Indexes.encode(Map.of(IndexType.OFFSET, new byte[9000])));
    assertEquals(9000, indexes.get(segments[1], IndexType.OFFSET).length);
    assertEquals(9024, indexes.bytes(), "the one that came last stays");
    indexes.forget(segments[1].indexes());
    assertEquals(0, indexes.bytes());
  }

  @Test
  void refusesWhatItDoesNotKnow() {
    ConfigException e =
        assertThrows(ConfigException.class, () -> open("chunk.bytes", "7", "s3.bukket", "x", "s3.path.style", "yes"));
    for (String want : new String[] {"chunk.bytes is 7", "s3.bukket is not a key", "want true or false"}) {
      assertTrue(e.getMessage().contains(want), e.getMessage());
    }
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  /** Waits for what other threads do; the test's own time limit ends it. */
  private static void await(Condition c) throws Exception {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!c.holds()) {
      assertTrue(System.nanoTime() < end, "waited in vain");
      Thread.onSpinWait();
    }
  }
}
