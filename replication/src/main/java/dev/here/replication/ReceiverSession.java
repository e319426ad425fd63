package dev.here.replication;

import dev.here.formats.wire.Message;
import dev.here.formats.wire.RefusalCode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The connections of one session on the standby, from its welcome until all have ended. */
final class ReceiverSession {
  private final Connection control;
  private final List<Connection> streams = new ArrayList<>();
  private final boolean[] attached;
  private int running = 1;
  private boolean closed;
  private String reason = "the peer closed the connection";

  ReceiverSession(Connection control, int streamCount) {
    this.control = control;
    this.attached = new boolean[streamCount];
  }

  Connection control() {
    return control;
  }

  /** Adds a data stream; each number comes once. */
  synchronized void attach(int stream, Connection connection) {
    if (closed || stream >= attached.length || attached[stream]) {
      throw new RefusedException(
          RefusalCode.PROTOCOL,
          "data stream %d of %d cannot be attached (closed, too high or attached already)"
              .formatted(stream, attached.length));
    }
    attached[stream] = true;
    streams.add(connection);
    running++;
  }

  /** One of the session's threads has ended. */
  synchronized void ended() {
    running--;
    notifyAll();
  }

  /** Closes all connections; the first reason counts. Returns whether this call did it. */
  synchronized boolean close(String why) {
    if (closed) {
      return false;
    }
    closed = true;
    reason = why;
    control.close();
    streams.forEach(Connection::close);
    return true;
  }

  synchronized String reason() {
    return reason;
  }

  synchronized boolean isClosed() {
    return closed;
  }

  /** Tells the peer why and closes. */
  boolean refuse(RefusalCode code, String why) {
    try {
      control.write(new Message.Refusal(code, why));
    } catch (IOException e) {
      // The peer is gone already; the reason is kept for our own side.
    }
    return close(why);
  }

  /** Waits until no thread works for this session any more. */
  synchronized void awaitEnd() throws InterruptedException {
    while (running > 0) {
      wait();
    }
  }
}
