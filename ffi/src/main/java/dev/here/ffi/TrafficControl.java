package dev.here.ffi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * Requests of the kernel's traffic control (tc(8), rtnetlink(7); linux/pkt_sched.h, linux/pkt_cls.h
 * and linux/tc_act/tc_mirred.h): queueing disciplines that hold frames, and the redirection of what
 * an interface receives or sends to another interface.
 */
public final class TrafficControl {
  static final long TC_H_ROOT = 0xffffffffL;
  static final long TC_H_CLSACT = 0xfffffff1L;
  public static final int TC_H_MIN_INGRESS = 0xfff2;
  public static final int TC_H_MIN_EGRESS = 0xfff3;

  public static final int TCA_KIND = 1;
  public static final int TCA_OPTIONS = 2;
  public static final int TCA_STATS2 = 7;
  public static final int TCA_STAB = 8;
  public static final int TCA_STATS_BASIC = 1;
  public static final int TCA_STATS_QUEUE = 3;

  static final int TCA_STAB_BASE = 1;
  static final int TCA_TBF_PARMS = 1;
  static final int TCA_TBF_RATE64 = 4;
  static final int TCA_TBF_BURST = 6;
  static final int TCA_U32_SEL = 5;
  static final int TCA_U32_ACT = 7;
  static final int TC_U32_TERMINAL = 1;
  static final int TCA_ACT_KIND = 1;
  static final int TCA_ACT_OPTIONS = 2;
  static final int TCA_MIRRED_PARMS = 2;
  static final int TCA_EGRESS_REDIR = 1;
  static final int TC_ACT_STOLEN = 4;

  static final int TCQ_PLUG_BUFFER = 0;
  static final int TCQ_PLUG_RELEASE_ONE = 1;
  static final int TCQ_PLUG_RELEASE_INDEFINITE = 2;
  static final int TCQ_PLUG_LIMIT = 3;

  /** Size of struct tcmsg, the fixed header of all of these. */
  static final int TCMSG_BYTES = 20;

  static final int TCM_HANDLE_OFFSET = 8;
  static final int TCM_INFO_OFFSET = 16;
  static final int PLUG_OPTIONS_BYTES = 8;
  static final int SIZE_SPEC_BYTES = 24;
  static final int TBF_OPTIONS_BYTES = 36;
  static final int RATE_BYTES_OFFSET = 8;
  static final int TBF_LIMIT_OFFSET = 24;
  static final int U32_SELECTOR_BYTES = 16;
  static final int BASIC_PACKETS_OFFSET = 8;
  static final int QUEUE_FRAMES_OFFSET = 0;
  static final int QUEUE_BACKLOG_OFFSET = 4;
  static final int QUEUE_DROPS_OFFSET = 8;
  static final int MIRRED_ACTION_OFFSET = 8;
  static final int MIRRED_EACTION_OFFSET = 20;
  static final int MIRRED_INDEX_OFFSET = 24;
  static final int MIRRED_BYTES = 28;

  private static final int ETH_P_ALL = 3;

  private TrafficControl() {}

  /** Handle of the discipline that is an interface's root here: 1:0. */
  private static int rootHandle() {
    return 0x10000;
  }

  /** Handle of the discipline inside of it: 2:0. */
  private static int childHandle() {
    return 0x20000;
  }

  /** Handle of an interface's places for filters: ffff:0. */
  private static int classifierHandle() {
    return (int) TC_H_CLSACT & 0xffff0000;
  }

  /** What a plug does next (net/sched/sch_plug.c). */
  public enum Plug {
    /** What comes from now on is held for itself. */
    BUFFER(TCQ_PLUG_BUFFER),
    /** What came between the last two BUFFERs, or before the last, leaves. */
    RELEASE_ONE(TCQ_PLUG_RELEASE_ONE),
    /** All leaves, and what comes passes. */
    RELEASE_INDEFINITE(TCQ_PLUG_RELEASE_INDEFINITE);

    private final int action;

    Plug(int action) {
      this.action = action;
    }
  }

  /**
   * Makes a plug an interface's queue: shut, for {@code limitBytes} of frames.
   *
   * @param weightBytes each frame counts for so many more than it has; {@link #plug} must repeat it
   */
  public static NetlinkMessage addPlug(int interfaceIndex, int limitBytes, int weightBytes) {
    return weighed(
            root(interfaceIndex, NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL)
                .attribute(TCA_KIND, "plug"),
            weightBytes)
        .attribute(TCA_OPTIONS, plugOptions(TCQ_PLUG_LIMIT, limitBytes));
  }

  /** Changes a plug that is an interface's queue; a change without the weight would remove it. */
  public static NetlinkMessage plug(int interfaceIndex, Plug what, int weightBytes) {
    return weighed(root(interfaceIndex, 0).attribute(TCA_KIND, "plug"), weightBytes)
        .attribute(TCA_OPTIONS, plugOptions(what.action, 0));
  }

  /** With a size table that only adds to each frame's size (tc-stab(8)). */
  private static NetlinkMessage weighed(NetlinkMessage message, int weightBytes) {
    return message
        .begin(TCA_STAB)
        .attribute(TCA_STAB_BASE, octets(SIZE_SPEC_BYTES).putInt(4, weightBytes).array())
        .end();
  }

  private static byte[] plugOptions(int action, int limitBytes) {
    return octets(PLUG_OPTIONS_BYTES).putInt(action).putInt(limitBytes).array();
  }

  private static NetlinkMessage root(int interfaceIndex, int flags) {
    return NetlinkMessage.qdisc(
        NetlinkMessage.RTM_NEWQDISC, flags, interfaceIndex, rootHandle(), (int) TC_H_ROOT);
  }

  private static ByteBuffer octets(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.nativeOrder());
  }

  /**
   * A token bucket (net/sched/sch_tbf.c).
   *
   * @param weightBytes each frame counts for so many more than it has
   * @param burstBytes what may leave at once; a change fills the bucket
   * @param limitFrames frames that it queues at most
   */
  public record Bucket(int weightBytes, int burstBytes, int limitFrames) {
    /** Makes it an interface's queue, of at least 1 byte a second. */
    public List<NetlinkMessage> add(int interfaceIndex, long bytesPerSecond) {
      int flags = NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL;
      // Its own queue counts bytes, each frame with its weight; this one counts frames.
      NetlinkMessage queue =
          NetlinkMessage.qdisc(
                  NetlinkMessage.RTM_NEWQDISC,
                  flags,
                  interfaceIndex,
                  childHandle(),
                  rootHandle() | 1)
              .attribute(TCA_KIND, "pfifo")
              .attribute(TCA_OPTIONS, octets(4).putInt(limitFrames).array());
      return List.of(options(root(interfaceIndex, flags), bytesPerSecond), queue);
    }

    /** Changes its rate, where it is an interface's queue. */
    public NetlinkMessage rate(int interfaceIndex, long bytesPerSecond) {
      return options(root(interfaceIndex, 0), bytesPerSecond);
    }

    private NetlinkMessage options(NetlinkMessage message, long bytesPerSecond) {
      byte[] parameters =
          octets(TBF_OPTIONS_BYTES)
              .putInt(RATE_BYTES_OFFSET, (int) Math.min(bytesPerSecond, 0xffffffffL))
              .putInt(TBF_LIMIT_OFFSET, limitFrames)
              .array();
      return weighed(message.attribute(TCA_KIND, "tbf"), weightBytes)
          .begin(TCA_OPTIONS)
          .attribute(TCA_TBF_PARMS, parameters)
          .attribute(TCA_TBF_BURST, burstBytes)
          .attribute(TCA_TBF_RATE64, octets(8).putLong(bytesPerSecond).array())
          .end();
    }
  }

  /** Gives an interface places for filters on both of its ways (tc-clsact in tc(8)). */
  public static NetlinkMessage addClassifier(int interfaceIndex) {
    return NetlinkMessage.qdisc(
            NetlinkMessage.RTM_NEWQDISC,
            NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL,
            interfaceIndex,
            classifierHandle(),
            (int) TC_H_CLSACT)
        .attribute(TCA_KIND, "clsact");
  }

  /** Takes the places for filters away again, with all filters. */
  public static NetlinkMessage deleteClassifier(int interfaceIndex) {
    return NetlinkMessage.qdisc(
        NetlinkMessage.RTM_DELQDISC, 0, interfaceIndex, classifierHandle(), (int) TC_H_CLSACT);
  }

  /**
   * Redirects every frame of one way of an interface to another one's queue. A u32 filter that
   * compares nothing: it matches frames of any length.
   *
   * @param side TC_H_MIN_INGRESS: what the interface receives; TC_H_MIN_EGRESS: what it sends
   * @param preference filters with a lower one are asked before, 1 to 65535
   */
  public static NetlinkMessage redirect(
      int interfaceIndex, int side, int preference, int targetIndex) {
    int flags = NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL;
    return redirection(flags, interfaceIndex, 0, side, preference, targetIndex);
  }

  /** Changes where a filter that {@link #redirect} made sends frames; none passes in between. */
  public static NetlinkMessage redirect(
      int interfaceIndex, int side, Filter filter, int targetIndex) {
    int flags = NetlinkMessage.NLM_F_REPLACE;
    return redirection(
        flags, interfaceIndex, filter.handle(), side, filter.preference(), targetIndex);
  }

  private static NetlinkMessage redirection(
      int flags, int interfaceIndex, int handle, int side, int preference, int targetIndex) {
    byte[] selector = octets(U32_SELECTOR_BYTES).put((byte) TC_U32_TERMINAL).array();
    byte[] mirred =
        octets(MIRRED_BYTES)
            .putInt(MIRRED_ACTION_OFFSET, TC_ACT_STOLEN)
            .putInt(MIRRED_EACTION_OFFSET, TCA_EGRESS_REDIR)
            .putInt(MIRRED_INDEX_OFFSET, targetIndex)
            .array();
    return filter(NetlinkMessage.RTM_NEWTFILTER, flags, interfaceIndex, handle, side, preference)
        .attribute(TCA_KIND, "u32")
        .begin(TCA_OPTIONS)
        .attribute(TCA_U32_SEL, selector)
        .begin(TCA_U32_ACT)
        .begin(1)
        .attribute(TCA_ACT_KIND, "mirred")
        .begin(TCA_ACT_OPTIONS)
        .attribute(TCA_MIRRED_PARMS, mirred)
        .end()
        .end()
        .end()
        .end();
  }

  /** Takes away all filters of one way of an interface that have a preference. */
  public static NetlinkMessage deleteFilters(int interfaceIndex, int side, int preference) {
    return filter(NetlinkMessage.RTM_DELTFILTER, 0, interfaceIndex, 0, side, preference);
  }

  private static NetlinkMessage filter(
      int type, int flags, int interfaceIndex, int handle, int side, int preference) {
    int protocol = Short.reverseBytes((short) ETH_P_ALL) & 0xffff;
    return NetlinkMessage.trafficControl(
        type,
        flags,
        interfaceIndex,
        handle,
        classifierHandle() | side,
        preference << 16 | protocol);
  }

  /**
   * Of a discipline.
   *
   * @param kind its name
   * @param frames queued now
   * @param bytes queued now, as the discipline counts them, modulo 2^32
   * @param sent frames that it has let go since it was made, modulo 2^32; a frame that an interface
   *     is to cut into segments counts for as many as these
   * @param sentBytes that it has let go since it was made, as the discipline counts them
   * @param dropped frames that it has dropped since it was made, modulo 2^32
   */
  public record Discipline(
      String kind, int frames, int bytes, int sent, long sentBytes, int dropped) {
    private static Discipline decode(ByteBuffer message) {
      NetlinkAttributes attributes = NetlinkAttributes.in(message.position(TCMSG_BYTES));
      NetlinkAttributes statistics = attributes.within(TCA_STATS2);
      return new Discipline(
          attributes.text(TCA_KIND),
          field(statistics, TCA_STATS_QUEUE, QUEUE_FRAMES_OFFSET),
          field(statistics, TCA_STATS_QUEUE, QUEUE_BACKLOG_OFFSET),
          field(statistics, TCA_STATS_BASIC, BASIC_PACKETS_OFFSET),
          statistics
              .find(TCA_STATS_BASIC)
              .filter(found -> found.value().remaining() >= BASIC_PACKETS_OFFSET)
              .map(found -> found.value().getLong(0))
              .orElse(0L),
          field(statistics, TCA_STATS_QUEUE, QUEUE_DROPS_OFFSET));
    }

    /**
     * Reads the reply to {@link #askRoot}.
     *
     * @throws NativeException ENOENT: there is none; ENODEV: the interface is gone
     */
    public static Discipline of(KernelReply reply) {
      return decode(reply.answer(TCMSG_BYTES, "read a queue"));
    }

    private static int field(NetlinkAttributes statistics, int attribute, int offset) {
      return statistics
          .find(attribute)
          .filter(found -> found.value().remaining() >= offset + 4)
          .map(found -> found.value().getInt(offset))
          .orElse(0);
    }
  }

  /**
   * The discipline that is an interface's root here, with its statistics.
   *
   * @throws NativeException ENOENT: there is none; ENODEV: the interface is gone
   */
  public static Discipline root(RouteNetlink netlink, int interfaceIndex) {
    return ask(netlink, interfaceIndex, rootHandle(), "queue");
  }

  /**
   * The kind of an interface's places for filters, {@code clsact} or {@code ingress}; empty when it
   * has none.
   */
  public static Optional<String> classifier(RouteNetlink netlink, int interfaceIndex) {
    try {
      return Optional.of(
          ask(netlink, interfaceIndex, classifierHandle(), "filters' places").kind());
    } catch (NativeException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static Discipline ask(RouteNetlink netlink, int interfaceIndex, int handle, String name) {
    String attempted = "read the %s of interface %d".formatted(name, interfaceIndex);
    return netlink.ask(question(interfaceIndex, handle), attempted).stream()
        .filter(answer -> answer.remaining() >= TCMSG_BYTES)
        .findFirst()
        .map(Discipline::decode)
        .orElseThrow(() -> new NativeException(Errno.ENOENT, attempted));
  }

  /** Asks for the discipline that is an interface's root here ({@link Discipline#of}). */
  public static NetlinkMessage askRoot(int interfaceIndex) {
    return question(interfaceIndex, rootHandle());
  }

  private static NetlinkMessage question(int interfaceIndex, int handle) {
    // Without NLM_F_ECHO the answer goes only to those who listen to changes.
    return NetlinkMessage.qdisc(
        NetlinkMessage.RTM_GETQDISC, NetlinkMessage.NLM_F_ECHO, interfaceIndex, handle, 0);
  }

  /**
   * A filter, or a classifier as a whole; the kernel names each.
   *
   * @param preference lower ones are asked before
   * @param handle the kernel's number for it among those of one preference
   * @param kind of classifier
   * @param redirectsTo index of the interface that {@link #redirect} sends frames to; {@link #GONE}
   *     when it was removed since, {@link #NOWHERE} for any other filter
   */
  public record Filter(int preference, int handle, String kind, int redirectsTo) {
    /** The interface that frames were sent to is gone, and they are dropped. */
    public static final int GONE = 0;

    public static final int NOWHERE = -1;

    /**
     * Reads the reply to {@link #askFilter}.
     *
     * @throws NativeException when the filter is not there
     */
    public static Filter of(KernelReply reply) {
      return decode(reply.answer(TCMSG_BYTES, "read a filter"));
    }

    /** Whether it is one that {@link #redirect} made, wherever to. */
    public boolean isRedirection() {
      return redirectsTo != NOWHERE;
    }

    private static Filter decode(ByteBuffer message) {
      int info = message.getInt(TCM_INFO_OFFSET);
      NetlinkAttributes attributes = NetlinkAttributes.in(message.position(TCMSG_BYTES));
      int target =
          attributes
              .within(TCA_OPTIONS)
              .within(TCA_U32_ACT)
              .within(1)
              .within(TCA_ACT_OPTIONS)
              .find(TCA_MIRRED_PARMS)
              .filter(found -> found.value().remaining() >= MIRRED_BYTES)
              .map(found -> found.value().getInt(MIRRED_INDEX_OFFSET))
              .orElse(NOWHERE);
      String kind = attributes.text(TCA_KIND);
      return new Filter(
          info >>> 16,
          message.getInt(TCM_HANDLE_OFFSET),
          kind,
          kind.equals("u32") ? target : NOWHERE);
    }
  }

  /** Asks for one filter as it is now ({@link Filter#of}). */
  public static NetlinkMessage askFilter(int interfaceIndex, int side, Filter filter) {
    return filter(
        NetlinkMessage.RTM_GETTFILTER,
        0,
        interfaceIndex,
        filter.handle(),
        side,
        filter.preference());
  }

  /** The filters of one way of an interface, in the order in which they are asked. */
  public static List<Filter> filters(RouteNetlink netlink, int interfaceIndex, int side) {
    NetlinkMessage question =
        NetlinkMessage.trafficControl(
            NetlinkMessage.RTM_GETTFILTER,
            NetlinkMessage.NLM_F_DUMP,
            interfaceIndex,
            0,
            classifierHandle() | side,
            0);
    return netlink.ask(question, "read the filters of interface " + interfaceIndex).stream()
        .filter(answer -> answer.remaining() >= TCMSG_BYTES)
        .map(Filter::decode)
        .toList();
  }
}
