package dev.here.lab;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.here.ffi.Libc;
import dev.here.ffi.PacketSocket;
import dev.here.ffi.RouteNetlink;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Asks a guest in a VLAN of the trunk for an echo again and again. The machine's kernel may have no
 * VLANs, so it makes the frames itself. Runs inside the lab's namespaces; {@link EchoWatch} starts
 * and steers it.
 *
 * <p>Arguments: the VLAN, the client's address, the guest's, the octets of the payload, the pause
 * between two requests in milliseconds. Standard input: {@code mark} begins anew with the longest
 * gap; the end, or another line, ends it. Standard output: {@code
 * {"type":"progress"|"summary","value":EchoSummary}}.
 */
public final class EchoClient {
  private static final int FRAME_BYTES = 16384;
  private static final int BUFFER_BYTES = 1 << 20;
  private static final long PROGRESS_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  /** The guest's device address is asked for anew; after a take-over it must be the same. */
  private static final long QUESTION_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final JsonMapper json = JsonMapper.builder().build();
  private final AtomicBoolean finished = new AtomicBoolean();
  private final AtomicBoolean marked = new AtomicBoolean();
  private final EchoFrames frames;
  private final int vlan;
  private final int payloadBytes;
  private final PacketSocket socket;
  private byte @Nullable [] guestMac;
  private int sent;
  private int answered;
  private int wrongVlan;
  private long lastNanos = -1;
  private long longestNanos;

  private EchoClient(int vlan, InetAddress own, InetAddress guest, int payloadBytes)
      throws IOException {
    String bridge = HostNetwork.TRUNK.label();
    NetworkInterface device = NetworkInterface.getByName(bridge);
    if (device == null) {
      throw new LabException("no interface %s: run this in a lab".formatted(bridge));
    }
    this.vlan = vlan;
    this.payloadBytes = payloadBytes;
    frames = new EchoFrames(vlan, device.getHardwareAddress(), own, guest);
    socket = PacketSocket.watch(RouteNetlink.interfaceIndex(bridge).orElseThrow(), BUFFER_BYTES);
  }

  /** Runs until its input says that it is enough. */
  public static void main(String[] arguments) throws IOException {
    EchoClient client =
        new EchoClient(
            Integer.parseInt(arguments[0]),
            InetAddress.getByName(arguments[1]),
            InetAddress.getByName(arguments[2]),
            Integer.parseInt(arguments[3]));
    Thread.ofPlatform().daemon().start(client::steer);
    client.run(TimeUnit.MILLISECONDS.toNanos(Long.parseLong(arguments[4])));
    System.exit(0);
  }

  private void steer() {
    try (var lines = new java.util.Scanner(System.in, java.nio.charset.StandardCharsets.UTF_8)) {
      while (lines.hasNextLine() && lines.nextLine().equals("mark")) {
        marked.set(true);
      }
    }
    finished.set(true);
  }

  private void print(String type) {
    EchoSummary summary = new EchoSummary(sent, answered, wrongVlan, longestNanos / 1e6);
    System.out.println(json.writeValueAsString(Map.of("type", type, "value", summary)));
    System.out.flush();
  }

  private void run(long pauseNanos) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(FRAME_BYTES);
      long request = System.nanoTime();
      long question = request;
      long progress = request + PROGRESS_NANOS;
      while (!finished.get()) {
        long now = System.nanoTime();
        if (now - question >= 0) {
          send(frame, frames.question());
          question = now + QUESTION_NANOS;
        }
        byte[] mac = guestMac;
        if (mac != null && now - request >= 0) {
          send(frame, frames.request(mac, ++sent & 0xffff, payloadBytes));
          request = now + pauseNanos;
        }
        if (now - progress >= 0) {
          print("progress");
          progress = now + PROGRESS_NANOS;
        }
        receive(frame);
      }
    }
    print("summary");
  }

  private void send(MemorySegment scratch, byte[] frame) {
    MemorySegment.copy(frame, 0, scratch, JAVA_BYTE, 0, frame.length);
    int result = socket.send(scratch.asSlice(0, frame.length));
    if (result < 0) {
      throw new LabException(
          "a frame of %d octets cannot be sent: errno %d".formatted(frame.length, -result));
    }
  }

  private void receive(MemorySegment scratch) {
    Libc.pollOne(socket.descriptor().number(), Libc.POLLIN, 5);
    for (Optional<PacketSocket.Arrival> next = socket.arrival(scratch);
        next.isPresent();
        next = socket.arrival(scratch)) {
      byte[] frame = scratch.asSlice(0, next.get().sizeBytes()).toArray(JAVA_BYTE);
      if (next.get().vlan().orElse(0) == vlan) {
        take(scratch, frame);
      } else if (frames.reply(frame, payloadBytes).isPresent()) {
        wrongVlan++;
      }
    }
  }

  private void take(MemorySegment scratch, byte[] frame) {
    frames.guestMac(frame).ifPresent(mac -> guestMac = mac);
    byte[] mac = guestMac;
    if (mac != null && frames.isQuestion(frame)) {
      send(scratch, frames.answer(mac));
    }
    if (frames.reply(frame, payloadBytes).isPresent()) {
      heard(System.nanoTime());
    }
  }

  private void heard(long now) {
    answered++;
    if (marked.getAndSet(false)) {
      longestNanos = 0;
    }
    if (lastNanos >= 0) {
      longestNanos = Math.max(longestNanos, now - lastNanos);
    }
    lastNanos = now;
  }
}
