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
          "linux/bpf.h",
          "sys/syscall.h",
          "linux/if_link.h",
          "linux/if_bridge.h",
          "linux/veth.h",
          "linux/if_ether.h",
          "linux/gen_stats.h",
          "linux/pkt_sched.h",
          "linux/pkt_cls.h",
          "linux/tc_act/tc_mirred.h");

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
            NetlinkMessage.class,
            TrafficControl.class,
            NetlinkAnswers.class,
            LinkFacts.class,
            LinkTraffic.class,
            BridgeVlans.class)) {
      ours.putAll(constants(type));
    }
    ours.put("sizeof(struct nlattr)", (long) NetlinkAttributes.ATTRIBUTE_BYTES);
    ours.put("NLA_TYPE_MASK & 0xffff", (long) NetlinkAttributes.TYPE_MASK);
    ours.put("sizeof(struct ifinfomsg)", (long) LinkFacts.IFINFOMSG_BYTES);
    ours.put("offsetof(struct ifinfomsg, ifi_index)", (long) LinkFacts.IFI_INDEX_OFFSET);
    ours.put("offsetof(struct ifinfomsg, ifi_flags)", (long) LinkFacts.IFI_FLAGS_OFFSET);
    ours.put("sizeof(struct bridge_vlan_info)", (long) BridgeVlans.VLAN_INFO_BYTES);
    ours.put("offsetof(struct bridge_vlan_info, vid)", 2L);
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
    String stats = "offsetof(struct rtnl_link_stats64, %s)";
    ours.put(stats.formatted("rx_packets"), (long) LinkTraffic.RECEIVED_OFFSET);
    ours.put(stats.formatted("tx_packets"), (long) LinkTraffic.SENT_OFFSET);
    ours.put(stats.formatted("rx_dropped"), (long) LinkTraffic.RECEIVED_DROPPED_OFFSET);
    ours.put(stats.formatted("tx_dropped"), (long) LinkTraffic.SENT_DROPPED_OFFSET);
    ours.put("sizeof(struct tcmsg)", (long) TrafficControl.TCMSG_BYTES);
    ours.put("offsetof(struct tcmsg, tcm_handle)", (long) TrafficControl.TCM_HANDLE_OFFSET);
    ours.put("offsetof(struct tcmsg, tcm_info)", (long) TrafficControl.TCM_INFO_OFFSET);
    ours.put("sizeof(struct tc_plug_qopt)", (long) TrafficControl.PLUG_OPTIONS_BYTES);
    ours.put("sizeof(struct tc_sizespec)", (long) TrafficControl.SIZE_SPEC_BYTES);
    ours.put("offsetof(struct tc_sizespec, overhead)", 4L);
    ours.put("sizeof(struct tc_tbf_qopt)", (long) TrafficControl.TBF_OPTIONS_BYTES);
    ours.put("offsetof(struct tc_tbf_qopt, rate.rate)", (long) TrafficControl.RATE_BYTES_OFFSET);
    ours.put("offsetof(struct tc_tbf_qopt, limit)", (long) TrafficControl.TBF_LIMIT_OFFSET);
    ours.put("sizeof(struct tc_u32_sel)", (long) TrafficControl.U32_SELECTOR_BYTES);
    ours.put("sizeof(struct tc_mirred)", (long) TrafficControl.MIRRED_BYTES);
    ours.put("offsetof(struct tc_mirred, action)", (long) TrafficControl.MIRRED_ACTION_OFFSET);
    ours.put("offsetof(struct tc_mirred, eaction)", (long) TrafficControl.MIRRED_EACTION_OFFSET);
    ours.put("offsetof(struct tc_mirred, ifindex)", (long) TrafficControl.MIRRED_INDEX_OFFSET);
    ours.put(
        "offsetof(struct gnet_stats_basic, packets)", (long) TrafficControl.BASIC_PACKETS_OFFSET);
    ours.put("offsetof(struct gnet_stats_queue, qlen)", (long) TrafficControl.QUEUE_FRAMES_OFFSET);
    ours.put(
        "offsetof(struct gnet_stats_queue, backlog)", (long) TrafficControl.QUEUE_BACKLOG_OFFSET);
    ours.put("offsetof(struct gnet_stats_queue, drops)", (long) TrafficControl.QUEUE_DROPS_OFFSET);
    // The BPF_TCX_ numbers are younger than Debian 12's headers.
    ours.put("BPF_PROG_QUERY", (long) TcxPrograms.BPF_PROG_QUERY);
    ours.put("SYS_bpf", TcxPrograms.SYS_BPF);
    ours.put("offsetof(union bpf_attr, query.attach_type)", (long) TcxPrograms.ATTACH_TYPE_OFFSET);
    ours.put("offsetof(union bpf_attr, query.prog_cnt)", (long) TcxPrograms.COUNT_OFFSET);
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
