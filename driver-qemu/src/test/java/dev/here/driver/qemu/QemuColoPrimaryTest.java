package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.here.hypervisor.Capture;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.HypervisorGoneException;
import dev.here.hypervisor.PageSink;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryRegion;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** COLO with a real QEMU under TCG, which needs a shim for it that KVM does not. */
@Tag("qemu")
@Timeout(60)
class QemuColoPrimaryTest {
  private static final QemuTimeouts TIMEOUTS =
      new QemuTimeouts(
          Duration.ofSeconds(10),
          Duration.ofSeconds(3),
          Duration.ofSeconds(5),
          Duration.ofSeconds(10));

  @TempDir static Path shared;
  private static Path shim;

  @TempDir Path folder;

  @BeforeAll
  static void buildShim() throws Exception {
    RunningQemu.assumeInstalled();
    Path source = shared.resolve("shim.c");
    shim = shared.resolve("shim.so");
    try (InputStream text = QemuColoPrimaryTest.class.getResourceAsStream("tcg-colo-shim.c")) {
      Files.copy(text, source);
    }
    try {
      Process compiler =
          new ProcessBuilder("cc", "-shared", "-fPIC", "-o", "" + shim, "" + source, "-ldl")
              .inheritIO()
              .start();
      assertThat(compiler.waitFor()).isZero();
    } catch (IOException e) {
      assumeTrue(false, "no C compiler (apt install gcc) for the shim that COLO needs under TCG");
    }
  }

  /** A replica that keeps the page that the guest counts in. */
  private static final class Replica implements PageSink {
    int count = -1;
    int pages;

    @Override
    public void page(int pageIndex, MemorySegment source, long sourceOffset) {
      pages++;
      if (pageIndex == CountingGuest.COUNT_GPA / MemoryRegion.PAGE_BYTES) {
        count = source.get(ValueLayout.JAVA_INT_UNALIGNED, sourceOffset);
      }
    }

    @Override
    public void zeroPage(int pageIndex) {
      pages++;
    }
  }

  private RunningQemu startGuest() throws Exception {
    return RunningQemu.start(
        folder,
        Map.of("LD_PRELOAD", shim.toString()),
        "-machine",
        "pc-i440fx-7.2",
        "-m",
        "32",
        "-nodefaults",
        "-nic",
        "none",
        "-vga",
        "none",
        "-bios",
        CountingGuest.write(folder).toString());
  }

  private QemuColoPrimary protect(RunningQemu qemu) {
    return new QemuColoPrimary(
        qemu.qmp(),
        qemu.inventory(),
        folder.resolve("colo"),
        TIMEOUTS,
        (initial, deviceState, realtime, monotonic) -> {
          assertThat(initial.schema()).isPresent();
          assertThat(deviceState.length).isGreaterThan(10_000);
          throw new HypervisorException("translated " + deviceState.length);
        });
  }

  private static void assertUntouched(RunningQemu qemu) {
    QemuInventory inventory = qemu.inventory();
    assertThat(inventory.status()).isEqualTo("running");
    assertThat(inventory.capabilities()).doesNotContain("x-colo");
    assertThat(
            qemu.qmp()
                .execute("query-migrate-parameters", RunningQemu.TIMEOUT)
                .path("x-checkpoint-delay")
                .asInt(0))
        .isEqualTo(20_000);
  }

  @Test
  void seedsTakesCheckpointsAndLetsGo() throws Exception {
    try (var qemu = startGuest()) {
      var replica = new Replica();
      try (var primary = protect(qemu)) {
        assertThat(primary.memoryMap().regionAt(0x1000).orElseThrow().backingOffset()).isZero();
        primary.seed(replica);
        assertThat(replica.pages).isGreaterThan(32 * 256 / 2);
        var stops = new AtomicInteger();
        for (int checkpoint = 1; checkpoint <= 10; checkpoint++) {
          int before = replica.count;
          epoch();
          Capture capture = primary.capture(replica, stops::incrementAndGet);
          assertThat(capture.pageCount()).isPositive();
          assertThat(replica.count).isNotEqualTo(before);
          assertThat(capture.pause().pauseNanos()).isPositive();
          assertThat(stops).hasValue(checkpoint);
          assertThatThrownBy(() -> capture.machine().get()).hasMessageStartingWith("translated");
        }
        ClockLag lag = primary.clockLag();
        assertThat(lag.pauses()).isGreaterThanOrEqualTo(10);
        assertThat(lag.lagNanos()).isPositive();
        assertThat(primary.progress(TimeUnit.SECONDS.toNanos(10)).alive()).isTrue();
      }
      assertUntouched(qemu);
      try (var again = protect(qemu)) {
        again.seed(replica);
        again.capture(replica, () -> {});
      }
      assertUntouched(qemu);
    }
  }

  @Test
  void aCheckpointOfAPlainGuestTranslatesToAMachineState() throws Exception {
    try (var qemu =
        RunningQemu.start(
            folder,
            Map.of("LD_PRELOAD", shim.toString()),
            "-machine",
            "pc-i440fx-7.2",
            "-m",
            "64",
            "-smp",
            "2",
            "-nic",
            "user,restrict=on,model=virtio-net-pci",
            "-device",
            "virtio-rng-pci")) {
      Thread.sleep(1500); // the firmware gives the devices their addresses
      QemuInventory inventory = qemu.inventory();
      var facts =
          QemuFacts.collect(
              qemu.qmp(), inventory, folder, TIMEOUTS.command(), Duration.ofSeconds(30));
      try (var primary =
          new QemuColoPrimary(
              qemu.qmp(),
              inventory,
              folder.resolve("colo"),
              TIMEOUTS,
              new QemuTranslation(facts))) {
        primary.seed(new Replica());
        epoch();
        MachineState state = primary.capture(new Replica(), () -> {}).machine().get().state();
        assertThat(state.vcpus()).hasSize(2);
        assertThat(state.virtio()).hasSize(2);
        assertThat(state.virtio().getFirst().offeredFeatures() >>> 32).isEqualTo(0x101);
        assertThat(state.memory().backingSizeBytes())
            .isEqualTo(primary.memoryMap().backingSizeBytes());
      }
      assertUntouched(qemu);
    }
  }

  @Test
  void aFailingSinkInTheMiddleOfACheckpointLetsTheGuestGoOn() throws Exception {
    try (var qemu = startGuest();
        var primary = protect(qemu)) {
      primary.seed(new Replica());
      var broken =
          new PageSink() {
            @Override
            public void page(int pageIndex, MemorySegment source, long sourceOffset) {
              throw new IllegalStateException("disk full");
            }

            @Override
            public void zeroPage(int pageIndex) {}
          };
      epoch();
      assertThatThrownBy(() -> primary.capture(broken, () -> {}))
          .isInstanceOf(HypervisorException.class)
          .hasMessageContaining("disk full")
          .satisfies(e -> assertThat(e.getSuppressed()).isEmpty());
      assertUntouched(qemu);
      assertThatThrownBy(() -> primary.capture(new Replica(), () -> {}))
          .hasMessageContaining("COLO is ended");
    }
  }

  @Test
  void aKilledQemuIsGoneAndAStoppedOneHangs() throws Exception {
    try (var qemu = startGuest();
        var primary = protect(qemu)) {
      primary.seed(new Replica());
      primary.capture(new Replica(), () -> {});
      signal(qemu, "STOP");
      assertThat(primary.condition(Duration.ofMillis(200)))
          .isEqualTo(QemuCondition.STOPPED_BY_SIGNAL);
      assertThat(primary.progress(1_000_000).alive()).isFalse();
      signal(qemu, "CONT");
      assertThat(primary.condition(Duration.ofSeconds(10))).isEqualTo(QemuCondition.RUNNING);
      primary.kill();
      qemu.process().waitFor();
      assertThatThrownBy(() -> primary.capture(new Replica(), () -> {}))
          .isInstanceOf(HypervisorGoneException.class)
          .hasMessageContaining("the process has ended");
      assertThat(primary.condition(Duration.ofMillis(200))).isEqualTo(QemuCondition.ENDED);
    }
  }

  @Test
  void whatADeadKeeperLeftIsUndone() throws Exception {
    try (var qemu = startGuest()) {
      var colo = new ColoConnection(folder.resolve("colo"), TIMEOUTS.silence().toNanos());
      MigrationSettings.apply(
          qemu.qmp(),
          QemuTimerInterval.measure(qemu.qmp(), TIMEOUTS.command()),
          300,
          TIMEOUTS.command());
      ColoExit.setColo(qemu.qmp(), true, TIMEOUTS.command());
      qemu.qmp()
          .execute("migrate", Map.of("uri", "unix:" + folder.resolve("colo")), TIMEOUTS.command());
      colo.accept();
      new dev.here.formats.qemu.ColoStream(colo)
          .readInitial(new BlockPages(qemu.inventory().ramBlocks(), new Replica()));
      colo.close();
      assertThat(QemuCleanup.undo(qemu.qmp(), TIMEOUTS))
          .containsExactly("left COLO", "restored the migration settings");
      assertUntouched(qemu);
      assertThat(QemuCleanup.undo(qemu.qmp(), TIMEOUTS)).isEmpty();
    }
  }

  /** Time for the emulated CPU to be scheduled and to write a page. */
  private static void epoch() throws InterruptedException {
    Thread.sleep(100);
  }

  private static void signal(RunningQemu qemu, String name) throws Exception {
    assertThat(new ProcessBuilder("kill", "-" + name, "" + qemu.process().pid()).start().waitFor())
        .isZero();
  }
}
