package dev.here.vmm;

import dev.here.machine.DmaChannel;
import dev.here.machine.DmaState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The registers of one 8237 DMA controller (Intel 8237A data sheet) with its page registers (IBM PC
 * AT). No device of this machine asks it for a transfer. Guarded by the platform's lock.
 */
final class Dma8237 implements OctetDevice {
  private static final int[] PAGE_PORTS = {7, 3, 1, 2};
  private static final int HIGH_PAGES = 0x400;
  private static final int ALL = 0x0f;

  /** One channel's 16-bit registers. */
  private static final class Channel {
    int baseAddress;
    int baseCount;
    int currentAddress;
    int currentCount;
    int mode;
    int page;
    int pageHigh;

    Channel(DmaChannel state) {
      baseAddress = state.baseAddress();
      baseCount = state.baseCount();
      currentAddress = state.currentAddress();
      currentCount = state.currentCount();
      mode = state.mode();
      page = state.page();
      pageHigh = state.pageHigh();
    }

    DmaChannel state() {
      return new DmaChannel(
          baseAddress, baseCount, currentAddress, currentCount, mode, page, pageHigh);
    }
  }

  private final int base;
  private final int pageBase;
  private final int shift;
  private final Channel[] channels;
  private int command;
  private int mask;
  private int request;
  private int status;
  private boolean flipFlop;

  private Dma8237(DmaState state, int base, int pageBase, int shift) {
    this.base = base;
    this.pageBase = pageBase;
    this.shift = shift;
    channels = state.channels().stream().map(Channel::new).toArray(Channel[]::new);
    command = state.command();
    mask = state.mask();
    request = state.request();
    status = state.status();
    flipFlop = state.flipFlop();
  }

  /** A PC's two controllers, of 8-bit and of 16-bit channels. */
  static List<Dma8237> pair(List<DmaState> states) {
    List<Dma8237> controllers = new ArrayList<>();
    for (int at = 0; at < Math.min(2, states.size()); at++) {
      controllers.add(
          new Dma8237(states.get(at), at == 0 ? 0x00 : 0xc0, at == 0 ? 0x80 : 0x88, at));
    }
    return controllers;
  }

  DmaState state() {
    return new DmaState(
        command,
        mask,
        request,
        status,
        flipFlop,
        Arrays.stream(channels).map(Channel::state).toList());
  }

  void attach(PortBus ports) {
    ports.attach(base, 16 << shift, this);
    for (int offset : PAGE_PORTS) {
      ports.attach(pageBase + offset, 1, this);
      ports.attach(pageBase + offset + HIGH_PAGES, 1, this);
    }
  }

  @Override
  public int readOctet(int port) {
    if (port >= base && port < base + (16 << shift)) {
      return readRegister(port - base >> shift);
    }
    for (int at = 0; at < PAGE_PORTS.length; at++) {
      if (port == pageBase + PAGE_PORTS[at]) {
        return channels[at].page;
      }
      if (port == pageBase + PAGE_PORTS[at] + HIGH_PAGES) {
        return channels[at].pageHigh;
      }
    }
    return 0xff;
  }

  @Override
  public void writeOctet(int port, int value) {
    if (port >= base && port < base + (16 << shift)) {
      writeRegister(port - base >> shift, value);
      return;
    }
    for (int at = 0; at < PAGE_PORTS.length; at++) {
      if (port == pageBase + PAGE_PORTS[at]) {
        channels[at].page = value;
      } else if (port == pageBase + PAGE_PORTS[at] + HIGH_PAGES) {
        channels[at].pageHigh = value;
      }
    }
  }

  private int readRegister(int register) {
    switch (register) {
      case 8 -> {
        int value = status;
        status &= ~ALL;
        return value;
      }
      case 15 -> {
        return mask;
      }
      default -> {
        if (register > 7) {
          return 0;
        }
        Channel channel = channels[register >> 1];
        int value = (register & 1) == 0 ? channel.currentAddress : channel.currentCount;
        int octet = flipFlop ? value >> 8 : value;
        flipFlop = !flipFlop;
        return octet & 0xff;
      }
    }
  }

  private void writeRegister(int register, int value) {
    switch (register) {
      case 8 -> command = value;
      case 9 -> request = changed(request, value);
      case 10 -> mask = changed(mask, value);
      case 11 -> channels[value & 3].mode = value;
      case 12 -> flipFlop = false;
      case 13 -> {
        command = 0;
        request = 0;
        status = 0;
        mask = ALL;
        flipFlop = false;
      }
      case 14 -> mask = 0;
      case 15 -> mask = value & ALL;
      default -> writeChannel(channels[register >> 1], register & 1, value);
    }
  }

  private void writeChannel(Channel channel, int counting, int value) {
    if (counting == 0) {
      channel.baseAddress = merged(channel.baseAddress, value);
      channel.currentAddress = channel.baseAddress;
    } else {
      channel.baseCount = merged(channel.baseCount, value);
      channel.currentCount = channel.baseCount;
    }
    flipFlop = !flipFlop;
  }

  private int merged(int register, int octet) {
    return flipFlop ? register & 0xff | octet << 8 : register & 0xff00 | octet;
  }

  /** Bit 2 of {@code value} goes to the bit that its bits 0 and 1 name. */
  private static int changed(int bits, int value) {
    int bit = 1 << (value & 3);
    return (value & 4) != 0 ? bits | bit : bits & ~bit;
  }
}
