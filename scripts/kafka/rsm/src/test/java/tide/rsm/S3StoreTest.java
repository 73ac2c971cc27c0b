package tide.rsm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.config.ConfigException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The store against a server that does what it is told: what a real one does only at bad moments. */
class S3StoreTest {
  private static final int PART = 5 << 20; // the smallest that is allowed

  @TempDir Path dir;
  private final byte[] object = new byte[300_000];
  private final List<String> seen = new CopyOnWriteArrayList<>(); // METHOD QUERY, in the order of their answers
  private final AtomicInteger faults = new AtomicInteger(); // so many requests more go wrong
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Metrics metrics = new Metrics();
  private volatile Thread putting; // a file in parts
  private HttpServer server;
  private S3Store store;

  @BeforeAll
  static void credentials() {
    System.setProperty("aws.accessKeyId", "key");
    System.setProperty("aws.secretAccessKey", "secret");
  }

  @AfterAll
  static void noCredentials() {
    System.clearProperty("aws.accessKeyId");
    System.clearProperty("aws.secretAccessKey");
  }

  @BeforeEach
  void start() throws IOException {
    new Random(1).nextBytes(object);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    server.start();
    Settings s = Settings.of(Map.of(
        "s3.bucket", "b", "s3.path.style", "true", "s3.endpoint", "http://127.0.0.1:" + server.getAddress().getPort(),
        "cache.bytes", "0", "prefetch.bytes", "0", "upload.part.bytes", "" + PART, "attempts", "2"));
    store = new S3Store(s, metrics);
  }

  @AfterEach
  void stop() {
    store.close();
    server.stop(0);
    threads.shutdownNow();
  }

  private void answer(HttpExchange x) throws IOException {
    try (x) {
      x.getRequestBody().readAllBytes();
      String query = x.getRequestURI().getQuery();
      switch (x.getRequestMethod()) {
        case "GET" -> get(x, query);
        case "PUT" -> part(x, query);
        case "POST" -> reply(x, 200, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>");
        default -> reply(x, x.getRequestURI().getPath().endsWith("gone") ? 404 : 204, "");
      }
    }
  }

  private void get(HttpExchange x, String query) throws IOException {
    if (query == null || !query.contains("list-type=2")) {
      body(x);
    } else if (faults.getAndDecrement() > 0) {
      reply(x, 404, "<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>");
    } else {
      reply(x, 200, "<ListBucketResult></ListBucketResult>");
    }
  }

  /** The range that is asked for, or half of it. */
  private void body(HttpExchange x) throws IOException {
    if (x.getRequestURI().getPath().endsWith("gone")) {
      reply(x, 404, "<Error><Code>NoSuchKey</Code></Error>");
      return;
    }
    String[] range = x.getRequestHeaders().getFirst("Range").substring("bytes=".length()).split("-");
    byte[] part = Arrays.copyOfRange(object, Integer.parseInt(range[0]), Integer.parseInt(range[1]) + 1);
    x.sendResponseHeaders(206, part.length);
    boolean cut = faults.getAndDecrement() > 0;
    x.getResponseBody().write(part, 0, cut ? part.length / 2 : part.length);
  }

  /** The first part fails; the second one takes until that is noticed, by the store's waiting for it or by an abort. */
  private void part(HttpExchange x, String query) throws IOException {
    if (query.contains("partNumber=1") && faults.getAndDecrement() > 0) {
      reply(x, 500, "");
      return;
    }
    while (query.contains("partNumber=2") && !waits(putting) && !seen.contains("DELETE uploadId=u")) {
      Thread.onSpinWait();
    }
    x.getResponseHeaders().set("ETag", "\"e\"");
    reply(x, 200, "");
  }

  private static boolean waits(Thread t) {
    return Arrays.stream(t.getStackTrace()).anyMatch(f -> f.getMethodName().equals("ended"));
  }

  private void reply(HttpExchange x, int status, String text) throws IOException {
    seen.add(x.getRequestMethod() + " " + x.getRequestURI().getQuery()); // before the client can know
    byte[] b = text.getBytes(StandardCharsets.UTF_8);
    x.sendResponseHeaders(status, b.length == 0 ? -1 : b.length);
    x.getResponseBody().write(b);
  }

  private byte[] drained(int from, int to) throws IOException {
    var out = new ByteArrayOutputStream();
    store.get("k", from, to, body -> {
      out.reset();
      body.transferTo(out);
    });
    return out.toByteArray();
  }

  /** A body that breaks off is had again from its start; when it always does, that is an error. */
  @Test
  void bodyIsPartOfTheAttempt() throws Exception {
    faults.set(1);
    assertArrayEquals(Arrays.copyOfRange(object, 7, 200_000), drained(7, 200_000));
    assertEquals(1, metrics.get("tide_objstore_requests_total{op=\"get\"}"));
    assertEquals(2, metrics.get("tide_objstore_attempts_total{op=\"GetObject\"}"));
    faults.set(2);
    assertThrows(IOException.class, () -> drained(0, 200_000));
    assertThrows(ObjectStore.NotFound.class, () -> store.get("gone", 0, 9, InputStream::readAllBytes));
  }

  @Test
  void stream() throws Exception {
    try (InputStream in = store.get("k", 100, 300_000)) {
      assertEquals(50, in.skip(50));
      assertArrayEquals(Arrays.copyOfRange(object, 150, 160), in.readNBytes(10));
    } // its connection is dropped
    faults.set(1);
    try (InputStream in = store.get("k", 0, 300_000)) {
      assertThrows(IOException.class, in::readAllBytes);
    }
    assertThrows(ObjectStore.NotFound.class, () -> store.get("gone", 0, 9));
  }

  /** The abort comes when no part is on its way any more: one that came behind it would stay for ever. */
  @Test
  void abortIsLast() throws Exception {
    Path file = Files.write(dir.resolve("f"), new byte[2 * PART + 1]);
    faults.set(2);
    putting = Thread.currentThread();
    assertThrows(IOException.class, () -> store.put("k", file));
    assertEquals("DELETE uploadId=u", seen.get(seen.size() - 1), seen.toString());
    assertTrue(seen.stream().anyMatch(s -> s.contains("partNumber=2")), seen.toString());
    assertEquals(0, metrics.get("tide_objstore_requests_total{op=\"put\"}"));
  }

  @Test
  void deleteTwice() throws Exception {
    store.delete("k");
    store.delete("gone");
  }

  /** A store that cannot be used is refused when Kafka starts, and not found in a log when no segment leaves the disk. */
  @Test
  void refusedAtStart() throws Exception {
    Map<String, String> configs = Map.of(
        "s3.bucket", "b", "s3.path.style", "true", "s3.endpoint", "http://127.0.0.1:" + server.getAddress().getPort(),
        "cache.bytes", "0", "prefetch.bytes", "0", "attempts", "1");
    try (S3RemoteStorageManager there = new S3RemoteStorageManager()) {
      there.configure(configs);
    }
    faults.set(1);
    try (S3RemoteStorageManager missing = new S3RemoteStorageManager()) {
      ConfigException e = assertThrows(ConfigException.class, () -> missing.configure(configs));
      assertTrue(e.getMessage().contains("bucket b") && e.getMessage().contains("credentials"), e.getMessage());
    }
    server.stop(0);
    try (S3RemoteStorageManager dead = new S3RemoteStorageManager()) {
      assertThrows(ConfigException.class, () -> dead.configure(configs));
    }
  }
}
