package dev.here.ffi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.testkit.CHeaders;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.PaddingLayout;
import java.lang.foreign.StructLayout;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Constants and layouts against the C headers. */
class HeadersTest {
  private static final CHeaders HEADERS =
      CHeaders.of(
          "errno.h",
          "fcntl.h",
          "poll.h",
          "sched.h",
          "signal.h",
          "sys/epoll.h",
          "sys/ioctl.h",
          "sys/mman.h",
          "sys/socket.h",
          "sys/uio.h",
          "net/if.h",
          "linux/if_packet.h",
          "linux/if_tun.h",
          "linux/netlink.h",
          "linux/rtnetlink.h",
          "linux/if_link.h",
          "linux/veth.h");

  @Test
  void constantsAreThoseOfTheHeaders() {
    HEADERS.unavailable().ifPresent(reason -> Assumptions.abort(reason));
    Map<String, Long> ours = new LinkedHashMap<>();
    for (Class<?> type :
        List.of(
            Errno.class,
            Libc.class,
            Sockets.class,
            MappedMemory.class,
            MemFile.class,
            Epoll.class,
            Tun.class,
            NetlinkMessage.class)) {
      ours.putAll(constants(type));
    }
    ours.put("sizeof(struct ifreq)", (long) Tun.IFREQ_BYTES);
    ours.put("SOL_PACKET", (long) PacketSocket.SOL_PACKET);
    ours.put("PACKET_AUXDATA", (long) PacketSocket.PACKET_AUXDATA);
    ours.put("PACKET_STATISTICS", (long) PacketSocket.PACKET_STATISTICS);
    ours.put("sizeof(struct tpacket_stats)", (long) PacketSocket.STATISTICS_BYTES);
    ours.put("offsetof(struct tpacket_stats, tp_drops)", 4L);
    ours.put("PACKET_IGNORE_OUTGOING", (long) PacketSocket.PACKET_IGNORE_OUTGOING);
    ours.put("TP_STATUS_VLAN_VALID", (long) PacketSocket.TP_STATUS_VLAN_VALID);
    ours.put("sizeof(struct tpacket_auxdata)", (long) PacketSocket.AUXDATA_BYTES);
    ours.put(
        "offsetof(struct tpacket_auxdata, tp_vlan_tci)", (long) PacketSocket.TP_VLAN_TCI_OFFSET);
    ours.put("SCHED_OTHER", (long) Threads.SCHED_OTHER);
    ours.put("SCHED_FIFO", (long) Threads.SCHED_FIFO);
    ours.put("sizeof(struct sched_param)", Threads.SCHED_PARAM_BYTES);
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }

  @Test
  void layoutsAreThoseOfTheHeaders() {
    HEADERS.unavailable().ifPresent(reason -> Assumptions.abort(reason));
    Map<String, Long> ours = new LinkedHashMap<>();
    for (StructLayout layout :
        List.of(Iovec.LAYOUT, MsgHdr.LAYOUT, MsgHdr.CONTROL, NoOpSignal.SIGACTION)) {
      String type = layout.name().orElseThrow();
      ours.put("sizeof(" + type + ")", layout.byteSize());
      for (var member : layout.memberLayouts()) {
        if (!(member instanceof PaddingLayout)) {
          String name = member.name().orElseThrow();
          ours.put(
              "offsetof(%s, %s)".formatted(type, name),
              layout.byteOffset(PathElement.groupElement(name)));
        }
      }
    }
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
  }

  @Test
  void signalIsRealTimeAndNotTheLibrarys() {
    HEADERS.unavailable().ifPresent(reason -> Assumptions.abort(reason));
    String above = NoOpSignal.NUMBER + " >= SIGRTMIN";
    String below = NoOpSignal.NUMBER + " < SIGRTMAX - 2";
    assertThat(HEADERS.evaluate(List.of(above, below)))
        .containsEntry(above, 1L)
        .containsEntry(below, 1L);
  }

  @Test
  void errorNamesAreTheHeaders() {
    HEADERS.unavailable().ifPresent(reason -> Assumptions.abort(reason));
    Map<String, Long> ours = new LinkedHashMap<>();
    for (int errno = 1; errno < 134; errno++) {
      String name = Errno.name(errno);
      if (!name.startsWith("errno ")) {
        ours.put(name, (long) errno);
      }
    }
    assertThat(ours).hasSizeGreaterThan(120);
    assertThat(HEADERS.evaluate(ours.keySet())).isEqualTo(ours);
    assertThat(Errno.name(4000)).isEqualTo("errno 4000");
  }

  private static Map<String, Long> constants(Class<?> type) {
    Map<String, Long> values = new LinkedHashMap<>();
    for (Field field : type.getDeclaredFields()) {
      boolean number = field.getType() == int.class || field.getType() == long.class;
      boolean ours = field.getName().matches(".*_(BYTES|OFFSET)");
      if (number && !ours && Modifier.isStatic(field.getModifiers())) {
        try {
          field.setAccessible(true);
          values.put(field.getName(), ((Number) field.get(null)).longValue());
        } catch (IllegalAccessException e) {
          throw new AssertionError(e);
        }
      }
    }
    return values;
  }
}
