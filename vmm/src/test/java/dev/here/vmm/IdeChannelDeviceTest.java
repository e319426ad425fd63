package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.IdeChannel;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The empty CD drive as libata's probe and the CD driver's polling see it. */
class IdeChannelDeviceTest {
  private static final int TABLE = 0x1000;
  private static final int BUFFER = 0x2000;

  private final FakeMachine machine = new FakeMachine();
  private boolean irq;
  private IdeChannelDevice channel = channel(empty());

  @AfterEach
  void close() {
    machine.close();
  }

  private static IdeChannel empty() {
    return new IdeChannel(
        0x170,
        0x376,
        15,
        0,
        0,
        false,
        0,
        0,
        0,
        List.of(EmptyCdDrive.powerOn(), EmptyCdDrive.absent()));
  }

  private IdeChannelDevice channel(IdeChannel state) {
    IdeChannelDevice made = new IdeChannelDevice(state, machine.memory, asserted -> irq = asserted);
    made.attach(machine.ports);
    return made;
  }

  private void out(int register, int value) {
    machine.ports.write(0x170 + register, 1, value);
  }

  private int in(int register) {
    return machine.ports.read(0x170 + register, 1);
  }

  private void packet(boolean dma, int limit, int... octets) {
    out(1, dma ? 1 : 0);
    out(4, limit & 0xff);
    out(5, limit >> 8);
    out(7, 0xa0);
    assertThat(irq).isFalse();
    assertThat(in(7)).isEqualTo(0x58);
    assertThat(in(2)).isEqualTo(1);
    for (int at = 0; at < 12; at += 2) {
      int low = at < octets.length ? octets[at] : 0;
      int high = at + 1 < octets.length ? octets[at + 1] : 0;
      machine.ports.write(0x170, 2, low | high << 8);
    }
  }

  private byte[] readBlock() {
    assertThat(irq).isTrue();
    assertThat(in(7)).isEqualTo(0x58);
    assertThat(irq).isFalse();
    assertThat(in(2)).isEqualTo(2);
    byte[] block = new byte[in(4) | in(5) << 8];
    for (int at = 0; at < block.length; at += 2) {
      int word = machine.ports.read(0x170, 2);
      block[at] = (byte) word;
      if (at + 1 < block.length) {
        block[at + 1] = (byte) (word >> 8);
      }
    }
    return block;
  }

  private void endsWell() {
    assertThat(irq).isTrue();
    assertThat(in(7)).isEqualTo(0x50);
    assertThat(in(2)).isEqualTo(3);
    assertThat(irq).isFalse();
  }

  private byte[] sense() {
    packet(false, 18, 0x03, 0, 0, 0, 18);
    byte[] sense = readBlock();
    endsWell();
    return sense;
  }

  @Test
  void aResetShowsThePacketSignature() {
    machine.ports.write(0x376, 1, 0x08);
    machine.ports.write(0x376, 1, 0x0c);
    machine.ports.write(0x376, 1, 0x08);
    out(6, 0xa0);
    assertThat(in(7) & 0x80).isZero();
    assertThat(List.of(in(1), in(2), in(3), in(4), in(5))).containsExactly(1, 1, 1, 0x14, 0xeb);
    out(6, 0xb0);
    assertThat(in(7)).isZero();
  }

  @Test
  void identifies() {
    out(6, 0xa0);
    out(7, 0xec);
    assertThat(in(7) & 1).isEqualTo(1);
    assertThat(in(5) << 8 | in(4)).isEqualTo(0xeb14);
    out(7, 0xa1);
    assertThat(irq).isTrue();
    assertThat(in(7)).isEqualTo(0x58);
    assertThat(machine.ports.read(0x170, 2)).isEqualTo(0x8580);
    for (int word = 1; word < 256; word++) {
      machine.ports.read(0x170, 2);
    }
    assertThat(in(7)).isEqualTo(0x50);
  }

  @Test
  void noMediumIsReportedAndSensedOnce() {
    packet(false, 0, 0x00);
    assertThat(irq).isTrue();
    assertThat(in(7)).isEqualTo(0x41);
    assertThat(in(1)).isEqualTo(0x20);
    byte[] sense = sense();
    assertThat(sense[0]).isEqualTo((byte) 0x70);
    assertThat(sense[2]).isEqualTo((byte) 2);
    assertThat(sense[12]).isEqualTo((byte) 0x3a);
    assertThat(sense()[2]).isZero();
  }

  @Test
  void readingTheDiscFindsNoMedium() {
    for (int command : new int[] {0x25, 0x28, 0x43, 0x51, 0x52}) {
      packet(false, 0xfffe, command, 0, 0, 0, 0, 0, 0, 0, 12);
      assertThat(in(7)).isEqualTo(0x41);
      assertThat(sense()[12]).isEqualTo((byte) 0x3a);
    }
  }

  @Test
  void pollingTellsOfNoMediumAndNoEvent() {
    packet(false, 8, 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8);
    assertThat(readBlock()).containsExactly(0, 6, 4, 0x10, 0, 0, 0, 0);
    endsWell();
  }

  @Test
  void aLongReplyComesInBlocks() {
    packet(false, 20, 0x12, 0, 0, 0, 36);
    byte[] first = readBlock();
    byte[] second = readBlock();
    assertThat(first).hasSize(20).startsWith((byte) 5, (byte) 0x80);
    assertThat(second).hasSize(16);
    endsWell();
  }

  @Test
  void theBusMasterScattersAReply() {
    machine.memory.putU32(TABLE, BUFFER);
    machine.memory.putU32(TABLE + 4, 6);
    machine.memory.putU32(TABLE + 8, BUFFER + 0x100);
    machine.memory.putU32(TABLE + 12, 0x8000_0000 | 30);
    busMaster(4, TABLE);
    channel.writeBusMaster(0, 8);
    packet(true, 0, 0x12, 0, 0, 0, 36);
    assertThat(irq).isFalse();
    IdeChannel between = channel.state();
    channel = channel(between);
    assertThat(channel.state()).isEqualTo(between);
    channel.writeBusMaster(0, 9);
    assertThat(channel.readBusMaster(2)).isEqualTo(4);
    endsWell();
    assertThat(machine.memory.u8(BUFFER)).isEqualTo(5);
    assertThat(machine.memory.u8(BUFFER + 6)).isZero();
    assertThat(machine.memory.u8(BUFFER + 0x102)).isEqualTo('H');
    channel.writeBusMaster(0, 0);
    channel.writeBusMaster(2, 4);
    assertThat(channel.readBusMaster(2)).isZero();
  }

  @Test
  void aTableThatIsNoMemoryIsAnError() {
    busMaster(4, 0xf000_0000);
    packet(true, 0, 0x12, 0, 0, 0, 36);
    channel.writeBusMaster(0, 9);
    assertThat(channel.readBusMaster(2)).isEqualTo(6);
    assertThat(irq).isTrue();
  }

  private void busMaster(int offset, int value) {
    for (int at = 0; at < 4; at++) {
      channel.writeBusMaster(offset + at, value >>> at * 8 & 0xff);
    }
  }

  @Test
  void interruptsCanBeTurnedOff() {
    machine.ports.write(0x376, 1, 2);
    packet(false, 0, 0x00);
    assertThat(irq).isFalse();
    machine.ports.write(0x376, 1, 0);
    assertThat(irq).isTrue();
  }

  @Test
  void statesSurviveARestore() {
    SplittableRandom random = new SplittableRandom(0x1de);
    for (int round = 0; round < 500; round++) {
      channel = channel(empty());
      for (int step = 0; step < 40; step++) {
        switch (random.nextInt(6)) {
          case 0 -> out(random.nextInt(7), random.nextInt(256));
          case 1 -> in(random.nextInt(8));
          case 2 -> machine.ports.write(0x170, 2, random.nextInt(0x60));
          case 3 -> machine.ports.read(0x170, 2);
          case 4 -> out(7, random.nextBoolean() ? 0xa0 : random.nextInt(256));
          default -> channel.writeBusMaster(random.nextInt(8), random.nextInt(256));
        }
      }
      IdeChannel state = channel.state();
      assertThat(channel(state).state()).isEqualTo(state);
    }
  }
}
