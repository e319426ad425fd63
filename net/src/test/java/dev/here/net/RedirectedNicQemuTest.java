package dev.here.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.ffi.NativeException;
import dev.here.ffi.UnixSocket;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * On a running stock QEMU whose firmware asks for an address by DHCP: its user network, which has
 * no way out, answers only what has left the gate.
 */
@Timeout(120)
class RedirectedNicQemuTest {
  private static final Path QEMU = Path.of("/usr/bin/qemu-system-x86_64");
  private static final Path NETWORK_BOOT = Path.of("/usr/lib/ipxe/qemu/efi-virtio.rom");

  @TempDir Path folder;
  private final Arena arena = Arena.ofShared();
  private Process qemu;
  private UnixSocket qmp;

  @BeforeEach
  void start() throws Exception {
    Assumptions.assumeTrue(Files.isExecutable(QEMU), QEMU + " is not installed");
    Assumptions.assumeTrue(Files.exists(NETWORK_BOOT), "package ipxe-qemu is not installed");
    qemu =
        new ProcessBuilder(
                QEMU.toString(),
                "-accel",
                "tcg",
                "-S",
                "-m",
                "32",
                "-display",
                "none",
                "-netdev",
                "user,id=n0,restrict=on",
                "-device",
                "virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56",
                "-boot",
                "n",
                "-qmp",
                "unix:" + folder.resolve("qmp") + ",server=on,wait=off")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    Optional<UnixSocket> connection = Optional.empty();
    while (connection.isEmpty()) {
      assertThat(qemu.isAlive()).as(Files.readString(folder.resolve("log"))).isTrue();
      Thread.sleep(10);
      connection = connected(folder.resolve("qmp").toString());
    }
    qmp = connection.get();
    command("{\"execute\":\"qmp_capabilities\"}");
  }

  /** The socket is there a moment before QEMU listens. */
  private static Optional<UnixSocket> connected(String path) {
    try {
      return Optional.of(UnixSocket.connect(path));
    } catch (NativeException e) {
      return Optional.empty();
    }
  }

  @AfterEach
  void stop() throws Exception {
    if (qemu != null) {
      qemu.destroyForcibly().waitFor();
    }
    if (qmp != null) {
      qmp.close();
    }
    arena.close();
  }

  private void command(String json) {
    MemorySegment bytes = arena.allocateFrom(json + "\n", StandardCharsets.US_ASCII);
    qmp.send(bytes.asSlice(0, bytes.byteSize() - 1));
    MemorySegment answer = arena.allocate(65_536);
    StringBuilder text = new StringBuilder();
    while (text.indexOf("\"return\"") < 0) {
      long length = qmp.receive(answer);
      assertThat(length).isPositive();
      text.append(
          new String(
              answer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.US_ASCII));
      assertThat(text.toString()).doesNotContain("\"error\"");
    }
  }

  private void redirect(String name) {
    command(
        ("{'execute':'chardev-add','arguments':{'id':'%s','backend':{'type':'socket','data':"
                + "{'addr':{'type':'unix','data':{'path':'%s'}},'server':false,'reconnect':1}}}}")
            .formatted(name, folder.resolve(name))
            .replace('\'', '"'));
  }

  @Test
  void whatTheGuestSendsReachesItsNetworkOnlyThroughTheGate() throws Exception {
    try (RedirectedNic nic =
        RedirectedNic.listen(
            folder.resolve("out"),
            folder.resolve("in"),
            true,
            FrameRoom.anonymous(1 << 18),
            ConnectionDeposit.Place.NOWHERE,
            () -> true,
            () -> {})) {
      redirect("in");
      redirect("out");
      String filter =
          "{'execute':'object-add','arguments':{'qom-type':'filter-redirector','id':'f%s',"
              + "'netdev':'n0','queue':'rx','%sdev':'%s','vnet_hdr_support':true}}";
      command(filter.formatted("in", "in", "in").replace('\'', '"'));
      command(filter.formatted("out", "out", "out").replace('\'', '"'));
      assertThat(nic.awaitConnected(TimeUnit.SECONDS.toNanos(30))).isTrue();
      nic.gate().endEpoch(1);
      command("{\"execute\":\"cont\"}");
      while (nic.gate().heldFrames() < 2) {
        Thread.sleep(10);
      }
      // Asked twice, answered not at all: the guest has no address of its own yet.
      assertThat(nic.gate().addresses().ip4()).isEmpty();
      nic.gate().passThrough();
      while (nic.gate().addresses().ip4().isEmpty()) {
        Thread.sleep(10);
      }
      assertThat(nic.gate().addresses().ip4().getFirst()).containsExactly(10, 0, 2, 15);
      assertThat(nic.unsentFrames()).isZero();
    }
  }
}
