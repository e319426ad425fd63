package dev.here.replication;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.util.Optional;
import java.util.function.Supplier;

/** A connection in whose writing something fails that is no fault of the network. */
record BreakableChannel(ByteChannel inner, Supplier<Optional<RuntimeException>> failure)
    implements ByteChannel {
  @Override
  public int write(ByteBuffer octets) throws IOException {
    Optional<RuntimeException> now = failure.get();
    if (now.isPresent()) {
      throw now.get();
    }
    return inner.write(octets);
  }

  @Override
  public int read(ByteBuffer octets) throws IOException {
    return inner.read(octets);
  }

  @Override
  public boolean isOpen() {
    return inner.isOpen();
  }

  @Override
  public void close() throws IOException {
    inner.close();
  }
}
