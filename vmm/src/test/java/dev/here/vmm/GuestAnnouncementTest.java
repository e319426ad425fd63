package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.Bytes;
import dev.here.machine.PciAddress;
import dev.here.net.FramePort;
import dev.here.net.Offloads;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class GuestAnnouncementTest {
  private static final long DATA = 0x100000;

  /** Takes what is sent; nothing ever comes. */
  private static final class Recorder implements FramePort {
    final BlockingQueue<byte[]> sent = new LinkedBlockingQueue<>();

    @Override
    public boolean send(MemorySegment record, int length) {
      return sent.add(record.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public int receive(MemorySegment record, int timeoutMillis) {
      return 0;
    }

    @Override
    public void accept(Offloads offloads) {}

    @Override
    public void close() {}
  }

  private final FakeMachine machine = new FakeMachine();
  private final Recorder end = new Recorder();
  private final Recorder link = new Recorder();
  private final VirtioPowerOn powerOn =
      VirtioPowerOn.network(new PciAddress(0, 3, 0), Bytes.parse("525400123456"), 1);
  private final VirtioPci device =
      VirtioPci.network(
          powerOn.function(),
          powerOn.device(),
          List.of(end),
          machine.memory,
          machine.bus,
          machine.platform);
  private final GuestAnnouncement announcement = new GuestAnnouncement(machine.platform);

  @AfterEach
  void close() {
    machine.locked(announcement::close);
    machine.locked(device::close);
    machine.close();
  }

  @Test
  void everyRoundAndAReminderGoToTheLinkAndTheDriverIsAsked() throws InterruptedException {
    FakeVirtioDriver driver = new FakeVirtioDriver(machine, device, true);
    driver.start(driver.offered(), true);
    machine.locked(() -> announcement.add(device, link));
    machine.locked(announcement::start);
    for (int round = 0; round < 5; round++) {
      String record = HexFormat.of().formatHex(link.sent.take());
      assertThat(record).startsWith("00".repeat(12) + "ffffffffffff5254001234568035");
    }
    int linkUpAndAnnounce = 3;
    assertThat(driver.config(6, 2, true)).isEqualTo(linkUpAndAnnounce);
    assertThat(end.sent).isEmpty();
  }

  @Test
  void theVlansThatTheGuestTagsAreAnnouncedToo() throws InterruptedException {
    FakeVirtioDriver driver = new FakeVirtioDriver(machine, device, true);
    machine.locked(device::resume);
    driver.start(driver.offered(), true);
    wants(driver, 0);
    wants(driver, 0x105);
    machine.locked(() -> announcement.add(device, link));
    machine.locked(announcement::start);
    String addresses = "00".repeat(12) + "ffffffffffff525400123456";
    assertThat(HexFormat.of().formatHex(link.sent.take())).startsWith(addresses + "8035");
    assertThat(HexFormat.of().formatHex(link.sent.take())).startsWith(addresses + "810001058035");
    assertThat(HexFormat.of().formatHex(link.sent.take())).startsWith(addresses + "8035");
  }

  /** The driver asks for frames of a VLAN; 0 stands for frames with a priority alone. */
  private void wants(FakeVirtioDriver driver, int vlan) {
    machine.memory.putU8(DATA, 2);
    machine.memory.putU8(DATA + 1, 0);
    machine.memory.putU16(DATA + 2, vlan);
    driver
        .queues
        .get(2)
        .add(
            new FakeQueueDriver.Buffer(DATA, 4, false),
            new FakeQueueDriver.Buffer(DATA + 64, 1, true));
    driver.kick(2);
    assertThat(machine.memory.u8(DATA + 64)).isZero();
  }

  @Test
  void nothingIsSentAfterTheEnd() throws InterruptedException {
    machine.locked(() -> announcement.add(device, link));
    machine.locked(() -> {
      announcement.start();
      announcement.close();
    });
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (thread.getName().equals("guest-announcement")) {
        thread.join();
      }
    }
    assertThat(link.sent).isEmpty();
  }
}
