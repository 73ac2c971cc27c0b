package tide.rsm;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A store in memory that counts, and that fails when told to. */
final class MemStore implements ObjectStore {
  final ConcurrentSkipListMap<String, byte[]> objects = new ConcurrentSkipListMap<>();
  final AtomicInteger gets = new AtomicInteger();
  final AtomicInteger lists = new AtomicInteger();
  volatile boolean broken;
  volatile RuntimeException thrown; // by every get, in place of an IOException

  @Override
  public void put(String key, Path file) throws IOException {
    put(key, Files.readAllBytes(file));
  }

  @Override
  public void put(String key, byte[] bytes) throws IOException {
    check();
    objects.put(key, bytes);
  }

  @Override
  public InputStream get(String key, long from, long to) throws IOException {
    return new ByteArrayInputStream(Arrays.copyOfRange(getAll(key), (int) from, (int) to));
  }

  @Override
  public void get(String key, long from, long to, Sink into) throws IOException {
    into.take(get(key, from, to));
  }

  @Override
  public byte[] getAll(String key) throws IOException {
    check();
    gets.incrementAndGet();
    if (thrown != null) {
      throw thrown;
    }
    byte[] b = objects.get(key);
    if (b == null) {
      throw new NotFound(key, null);
    }
    return b;
  }

  @Override
  public List<Listed> list(String prefix, String after) throws IOException {
    check();
    lists.incrementAndGet();
    return objects.tailMap(after, false).entrySet().stream()
        .filter(e -> e.getKey().startsWith(prefix))
        .limit(PAGE)
        .map(e -> new Listed(e.getKey(), e.getValue().length))
        .toList();
  }

  @Override
  public void delete(String key) {
    objects.remove(key);
  }

  private void check() throws IOException {
    if (broken) {
      throw new IOException("the store is broken");
    }
  }

  @Override
  public void close() {}
}
