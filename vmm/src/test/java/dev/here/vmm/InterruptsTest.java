package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.IoApicState;
import dev.here.machine.PicChip;
import dev.here.machine.PicState;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class InterruptsTest {
  private final PortBus ports = new PortBus();
  private final MmioBus mmio = new MmioBus();
  private final List<String> messages = new ArrayList<>();
  private final List<String> routes = new ArrayList<>();
  private boolean intr;
  private final Pic pic = new Pic(Pic.powerOn(), asserted -> intr = asserted);
  private final IoApic ioApic = ioApic(IoApic.powerOn(0, 24));
  private final Interrupts interrupts = new Interrupts(pic, ioApic);

  InterruptsTest() {
    pic.attach(ports);
    ioApic.attach(mmio);
    interrupts.start();
  }

  private IoApic ioApic(IoApicState state) {
    return new IoApic(
        state, (address, data) -> messages.add("%x:%x".formatted(address, data)), pic::acknowledge);
  }

  /** As Linux's init_8259A does it, with vectors 30h to 3Fh. */
  private void initialisePic() {
    out(0x21, 0xff);
    out(0xa1, 0xff);
    out(0x20, 0x11);
    out(0x21, 0x30);
    out(0x21, 0x04);
    out(0x21, 0x01);
    out(0xa0, 0x11);
    out(0xa1, 0x38);
    out(0xa1, 0x02);
    out(0xa1, 0x01);
    out(0x21, 0xfb);
    out(0xa1, 0xff);
  }

  private void out(int port, int value) {
    ports.write(port, 1, value);
  }

  private void redirect(int pin, long entry) {
    mmio.write(0xfec00000L, 4, 0x11 + pin * 2);
    mmio.write(0xfec00010L, 4, entry >>> 32);
    mmio.write(0xfec00000L, 4, 0x10 + pin * 2);
    mmio.write(0xfec00010L, 4, entry & 0xffffffffL);
  }

  @Test
  void picDeliversAnEdgeOnceAndHoldsLowerPriorities() {
    initialisePic();
    out(0x21, 0xee);
    InterruptLine timer = interrupts.line(0);
    InterruptLine serial = interrupts.line(4);
    timer.set(true);
    timer.set(true);
    assertThat(intr).isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x30);
    serial.set(true);
    assertThat(intr).isFalse();
    out(0x20, 0x60);
    assertThat(intr).isTrue();
    assertThat(pic.acknowledge()).isEqualTo(0x34);
    out(0x20, 0x20);
    assertThat(intr).isFalse();
  }

  @Test
  void picSlaveComesThroughTheCascade() {
    initialisePic();
    out(0xa1, 0xfe);
    InterruptLine rtc = interrupts.line(8);
    rtc.set(true);
    assertThat(pic.acknowledge()).isEqualTo(0x38);
    out(0xa0, 0x0b);
    assertThat(ports.read(0xa0, 1)).isEqualTo(1);
    out(0xa0, 0x20);
    out(0x20, 0x62);
    rtc.set(false);
    rtc.set(true);
    assertThat(pic.acknowledge()).isEqualTo(0x38);
  }

  @Test
  void picRequestThatHasGoneIsSpurious() {
    initialisePic();
    out(0x4d0, 0x20);
    out(0x21, 0xdf);
    InterruptLine line = interrupts.line(5);
    line.set(true);
    line.set(false);
    assertThat(intr).isFalse();
    assertThat(pic.acknowledge()).isEqualTo(0x37);
    out(0x20, 0x0b);
    assertThat(ports.read(0x20, 1)).isZero();
  }

  @Test
  void picLevelInterruptReturnsUntilItsLineFalls() {
    initialisePic();
    out(0x4d1, 0x0c);
    assertThat(ports.read(0x4d1, 1)).isEqualTo(0x0c);
    out(0x4d0, 0xff);
    assertThat(ports.read(0x4d0, 1)).isEqualTo(0xf8);
    out(0xa1, 0xf7);
    InterruptLine line = interrupts.line(11);
    line.set(true);
    assertThat(pic.acknowledge()).isEqualTo(0x3b);
    out(0xa0, 0x20);
    out(0x20, 0x20);
    assertThat(intr).isTrue();
    line.set(false);
    assertThat(intr).isFalse();
  }

  @Test
  void ioApicLevelIsSentAgainAfterEndOfInterruptWhileAsserted() {
    redirect(11, 0x01000000_0000a041L);
    InterruptLine first = interrupts.line(11);
    InterruptLine second = interrupts.line(11);
    first.set(true);
    second.set(true);
    assertThat(messages).containsExactly("fee01000:8041");
    mmio.write(0xfec00000L, 4, 0x10 + 22);
    assertThat(mmio.read(0xfec00010L, 4) & 1 << 14).isNotZero();
    first.set(false);
    ioApic.endOfInterrupt(0x41);
    assertThat(messages).hasSize(2);
    second.set(false);
    ioApic.endOfInterrupt(0x41);
    assertThat(messages).hasSize(2);
    second.set(true);
    assertThat(messages).hasSize(3);
  }

  @Test
  void ioApicLosesAnEdgeWhileMaskedAndKeepsALevel() {
    InterruptLine edge = interrupts.line(4);
    InterruptLine level = interrupts.line(10);
    redirect(4, 0x10031);
    redirect(10, 0x18032);
    edge.set(true);
    level.set(true);
    redirect(4, 0x31);
    redirect(10, 0x8032);
    assertThat(messages).containsExactly("fee00000:8032");
    edge.set(false);
    edge.set(true);
    assertThat(messages).endsWith("fee00000:31");
  }

  @Test
  void ioApicTimerIsInputTwoAndChangesAreTold() {
    ioApic.listen((pin, address, data, masked) ->
        routes.add("%d %x %x %b".formatted(pin, address, data, masked)));
    assertThat(routes).hasSize(24);
    redirect(2, 0x03000000_00000830L);
    assertThat(routes.getLast()).isEqualTo("2 fee03004 30 false");
    interrupts.line(0).set(true);
    assertThat(messages).containsExactly("fee03004:30");
  }

  @Test
  void ioApicExtIntAsksThePic() {
    initialisePic();
    out(0x21, 0xfe);
    redirect(2, 0x700);
    interrupts.line(0).set(true);
    assertThat(messages).containsExactly("fee00000:30");
  }

  @Test
  void ioApicShowsItsVersionAndPins() {
    mmio.write(0xfec00000L, 4, 1);
    assertThat(mmio.read(0xfec00010L, 4)).isEqualTo(0x170020);
    mmio.write(0xfec00000L, 4, 0);
    mmio.write(0xfec00010L, 4, 0x0f000000);
    assertThat(ioApic.state().id()).isEqualTo(15);
  }

  @Test
  void settlingWiresRaiseNoEdges() {
    IoApicState state = IoApic.powerOn(0, 24);
    List<Long> entries = new ArrayList<>(state.redirections());
    entries.set(4, 0x31L);
    entries.set(10, 0x8032L);
    IoApic restored = ioApic(new IoApicState(0, state.gpa(), 0, 0x20, 0, entries));
    Pic restoredPic = new Pic(Pic.powerOn(), asserted -> intr = asserted);
    Interrupts wires = new Interrupts(restoredPic, restored);
    wires.line(4).set(true);
    wires.line(10).set(true);
    assertThat(messages).isEmpty();
    wires.start();
    assertThat(messages).containsExactly("fee00000:8032");
    assertThat(restoredPic.state().master().irr()).isZero();
    assertThat(restoredPic.state().master().lines()).isEqualTo(0x10);
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x8259);
    for (int round = 0; round < 200; round++) {
      PicState state = new PicState(chip(random, 0xf8), chip(random, 0xde));
      assertThat(new Pic(state, asserted -> {}).state()).isEqualTo(state);
      int pins = random.nextBoolean() ? 24 : 48;
      List<Long> entries = random.longs(pins).boxed().toList();
      IoApicState io =
          new IoApicState(
              random.nextInt(16),
              0xfec00000L,
              random.nextInt(256),
              0x11,
              random.nextLong() & (1L << pins) - 1,
              entries);
      assertThat(ioApic(io).state()).isEqualTo(io);
    }
  }

  private static PicChip chip(SplittableRandom random, int levelCapable) {
    return new PicChip(
        random.nextInt(256),
        random.nextInt(256),
        random.nextInt(256),
        random.nextInt(256),
        random.nextInt(256) & levelCapable,
        levelCapable,
        random.nextInt(8),
        random.nextInt(32) << 3,
        random.nextInt(4),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean(),
        random.nextBoolean());
  }
}
