package tide.rsm;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.NoSuchBucketException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * S3 through the AWS SDK's synchronous client on Apache HttpClient 5: pooled connections that are kept alive, and bodies that
 * go from the socket to a file through one small buffer. Credentials come from the SDK's own chain.
 *
 * <pre>
 * put   ≤ a part: one PUT          larger: create ─▶ parts side by side ─▶ complete (abort on failure)
 * get   one ranged GET; a stream closed early drops its connection
 * </pre>
 *
 * Every request has a deadline and is repeated by the SDK's retry strategy alone, chunks with their bodies; attempts are
 * counted in {@link Metrics}. Only the body that a {@link PlainStream} reads is bounded by the socket's time-out alone.
 */
final class S3Store implements ObjectStore {
  /** A whole part must travel within it, also over a slow line. */
  private static final Duration DEADLINE = Duration.ofSeconds(60);

  /** No byte for so long, and the attempt has failed. */
  private static final Duration STALL = Duration.ofSeconds(30);

  private final Settings settings;
  private final Metrics metrics;
  private final S3Client client;
  private final ExecutorService parts;

  S3Store(Settings settings, Metrics metrics) {
    this.settings = settings;
    this.metrics = metrics;
    this.parts = Executors.newFixedThreadPool(settings.uploadThreads(), Threads.named("rsm-upload"));
    S3ClientBuilder b =
        S3Client.builder()
            .region(Region.of(settings.region()))
            .forcePathStyle(settings.pathStyle())
            .httpClientBuilder(
                Apache5HttpClient.builder()
                    // Readers that miss fetch on their own threads, beside those of the prefetch.
                    .maxConnections(settings.fetchThreads() + settings.uploadThreads() + 64)
                    .socketTimeout(STALL)
                    .tcpKeepAlive(true))
            .overrideConfiguration(
                c ->
                    c.apiCallAttemptTimeout(DEADLINE)
                        .apiCallTimeout(DEADLINE.multipliedBy(settings.attempts()))
                        .retryStrategy(
                            AwsRetryStrategy.standardRetryStrategy().toBuilder()
                                .maxAttempts(settings.attempts())
                                .build())
                        .addExecutionInterceptor(metrics.attempts()));
    if (settings.endpoint() != null) {
      b.endpointOverride(settings.endpoint());
    }
    this.client = b.build();
  }

  /** One listing of one key: a bucket that is not there, a credential that is refused or a server that is dead fails it. */
  void check() throws IOException {
    run("bucket " + settings.bucket(), () -> client.listObjectsV2(
        r -> r.bucket(settings.bucket()).prefix(settings.prefix()).maxKeys(1)));
  }

  @Override
  public void put(String key, Path file) throws IOException {
    long size = Files.size(file);
    if (size > settings.partBytes()) {
      putParts(key, file, size);
      return;
    }
    run(key, () -> client.putObject(r -> r.bucket(settings.bucket()).key(key), slice(file, 0, size)));
    metrics.put(size);
  }

  @Override
  public void put(String key, byte[] bytes) throws IOException {
    run(key, () -> client.putObject(r -> r.bucket(settings.bucket()).key(key), RequestBody.fromBytes(bytes)));
    metrics.put(bytes.length);
  }

  private void putParts(String key, Path file, long size) throws IOException {
    String bucket = settings.bucket();
    String id = run(key, () -> client.createMultipartUpload(r -> r.bucket(bucket).key(key))).uploadId();
    List<Future<CompletedPart>> sent = new ArrayList<>();
    AtomicBoolean given = new AtomicBoolean(); // up: parts that have not begun are not sent
    try {
      for (long at = 0; at < size; at += settings.partBytes()) {
        long from = at;
        int number = sent.size() + 1;
        RequestBody body = slice(file, from, Math.min(settings.partBytes(), size - from));
        sent.add(parts.submit(() -> given.get() ? null : part(key, id, number, body)));
      }
      List<CompletedPart> done = new ArrayList<>();
      for (Future<CompletedPart> f : sent) {
        done.add(await(key, f));
      }
      run(key, () -> client.completeMultipartUpload(
          r -> r.bucket(bucket).key(key).uploadId(id).multipartUpload(m -> m.parts(done))));
    } catch (IOException | RuntimeException e) {
      given.set(true);
      try {
        for (Future<CompletedPart> f : sent) {
          ended(f); // a part that came behind the abort would stay
        }
        run(key, () -> client.abortMultipartUpload(r -> r.bucket(bucket).key(key).uploadId(id)));
      } catch (IOException left) {
        e.addSuppressed(left); // the bucket's own rule for unfinished uploads takes it
      }
      throw e;
    }
    metrics.put(size);
  }

  private CompletedPart part(String key, String id, int number, RequestBody body) throws IOException {
    String tag =
        run(key, () -> client.uploadPart(r -> r.bucket(settings.bucket()).key(key).uploadId(id).partNumber(number), body))
            .eTag();
    return CompletedPart.builder().partNumber(number).eTag(tag).build();
  }

  private static <T> T await(String key, Future<T> f) throws IOException {
    try {
      return f.get();
    } catch (ExecutionException e) {
      throw new IOException("upload of " + key, e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("upload of " + key + " was interrupted", e);
    }
  }

  /** Returns when the part is no longer on its way, whatever became of it; at once when this thread is to end. */
  private static void ended(Future<CompletedPart> f) {
    try {
      f.get();
    } catch (ExecutionException e) {
      // the first one's is thrown
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A body that can be sent again when an attempt fails. */
  private static RequestBody slice(Path file, long from, long size) {
    ContentStreamProvider open =
        () -> {
          try {
            FileChannel c = FileChannel.open(file);
            c.position(from);
            return new Bounded(Channels.newInputStream(c), size, () -> {});
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };
    return RequestBody.fromContentProvider(open, size, "application/octet-stream");
  }

  @Override
  public InputStream get(String key, long from, long to) throws IOException {
    var body = run(key, () -> client.getObject(
        r -> r.bucket(settings.bucket()).key(key).range("bytes=" + from + "-" + (to - 1))));
    metrics.got(0);
    return new Bounded(metrics.counting(body), to - from, body::abort);
  }

  @Override
  public void get(String key, long from, long to, Sink into) throws IOException {
    metrics.got(0);
    run(key, () -> client.getObject(
        r -> r.bucket(settings.bucket()).key(key).range("bytes=" + from + "-" + (to - 1)), (head, body) -> drain(body, to - from, into)));
  }

  /** Part of an attempt, so that the SDK's deadline and retries hold for the body too. */
  private Object drain(AbortableInputStream body, long size, Sink into) {
    try (Bounded all = new Bounded(metrics.counting(body), size, body::abort)) {
      into.take(all);
      return null;
    } catch (IOException e) {
      throw RetryableException.create(e.getMessage(), e);
    }
  }

  @Override
  public byte[] getAll(String key) throws IOException {
    byte[] all = run(key, () -> client.getObjectAsBytes(r -> r.bucket(settings.bucket()).key(key))).asByteArrayUnsafe();
    metrics.got(all.length);
    return all;
  }

  @Override
  public List<Listed> list(String prefix, String after) throws IOException {
    return run(prefix, () -> client.listObjectsV2(
            r -> r.bucket(settings.bucket()).prefix(prefix).startAfter(after).maxKeys(PAGE)))
        .contents().stream().map(o -> new Listed(o.key(), o.size())).toList();
  }

  @Override
  public void delete(String key) throws IOException {
    try {
      run(key, () -> client.deleteObject(r -> r.bucket(settings.bucket()).key(key)));
    } catch (NotFound e) {
      // S3 says 204, but not every server does
    }
  }

  @Override
  public void close() {
    parts.shutdownNow();
    client.close();
  }

  private interface Call<T> {
    T now();
  }

  private static <T> T run(String key, Call<T> call) throws IOException {
    try {
      return call.now();
    } catch (NoSuchBucketException e) {
      throw new IOException(key + ": " + e.getMessage(), e);
    } catch (S3Exception e) {
      if (e.statusCode() == 404) { // not every server names the code
        throw new NotFound(key, e);
      }
      throw new IOException(key + ": " + e.getMessage(), e);
    } catch (SdkException | UncheckedIOException | IllegalStateException e) { // the last one: a client that is closed
      throw new IOException(key + ": " + e.getMessage(), e);
    }
  }
}
