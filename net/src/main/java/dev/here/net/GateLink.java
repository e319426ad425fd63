package dev.here.net;

import dev.here.ffi.Errno;
import dev.here.ffi.LinkFacts;
import dev.here.ffi.LinkTraffic;
import dev.here.ffi.NativeException;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.TrafficControl;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An ifb interface of a gate. Its alias says whose it is, so that it is found when the process that
 * made it has died (docs/specs/frame-gate.md).
 *
 * @param index its number
 * @param vm whose frames it holds
 * @param port index of the port that they come from
 * @param role what it is for
 * @param madeClassifier whether the port's places for filters were made for the gate
 */
record GateLink(int index, UUID vm, int port, Role role, boolean madeClassifier) {
  /** What an interface of a gate is for; its letter ends the interface's name. */
  enum Role {
    /** Holds what the guest sends, in a plug. */
    OUT('o'),
    /** Holds what the guest sends in every other epoch, in a token bucket. */
    FIRST('a'),
    /** Holds what it sends in the epochs between. */
    SECOND('b'),
    /** Holds what is sent to the guest while it is being stopped. */
    IN('i');

    private final char letter;

    Role(char letter) {
      this.letter = letter;
    }
  }

  /** Most octets of frames that a plug holds; memory is taken as frames come. */
  static final int LIMIT_BYTES = 64 << 20;

  /** Most frames that a token bucket holds, which cannot count their octets. */
  static final int LIMIT_FRAMES = 2 << 10;

  private static final Pattern ALIAS =
      Pattern.compile(
          "here-gate 1 ([0-9a-f-]{36}) ([0-9]{1,9}) (OUT|FIRST|SECOND|IN) (own|user)( dropped| open)?");
  private static final String DROPPED = " dropped";
  private static final String LEFT_OPEN = " open";
  private static final String KIND = "ifb";
  private static final TrafficControl.Discipline NO_QUEUE =
      new TrafficControl.Discipline("", 0, 0, 0, 0, 0);

  /** An interface's name has 15 octets at most. */
  static String name(int port, Role role) {
    return "hg%d%c".formatted(port, role.letter);
  }

  /**
   * Makes the interface, up. Its queue is the kernel's usual one, and so is the number of frames
   * that it passes on in one go (txqueuelen, 32): with 256 a large release overran what was behind
   * the port.
   */
  static GateLink make(RouteNetlink netlink, UUID vm, int port, Role role, boolean madeClassifier) {
    String name = name(port, role);
    add(netlink, name);
    int index =
        LinkFacts.find(netlink, name)
            .orElseThrow(() -> new GateException("interface " + name + " was removed by others"))
            .index();
    var link = new GateLink(index, vm, port, role, madeClassifier);
    netlink.alias(index, link.alias());
    netlink.withoutIpv6Address(index);
    netlink.up(index, true);
    return link;
  }

  /** A process that died before it gave it an alias may have left one, which nothing uses. */
  private static void add(RouteNetlink netlink, String name) {
    try {
      netlink.addLink(name, KIND);
    } catch (NativeException e) {
      Optional<LinkFacts> nameless =
          LinkFacts.find(netlink, name)
              .filter(link -> link.kind().equals(KIND) && link.alias().isEmpty());
      if (e.errno() != Errno.EEXIST || nameless.isEmpty()) {
        throw e;
      }
      netlink.deleteLink(nameless.get().index());
      netlink.addLink(name, KIND);
    }
  }

  private String alias() {
    return "here-gate 1 %s %d %s %s".formatted(vm, port, role, madeClassifier ? "own" : "user");
  }

  /** Reads whose an interface is; empty when it is no gate's. */
  static Optional<GateLink> of(LinkFacts link) {
    Matcher alias = ALIAS.matcher(link.alias());
    if (!link.kind().equals(KIND) || !alias.matches()) {
      return Optional.empty();
    }
    return Optional.of(
        new GateLink(
            link.index(),
            UUID.fromString(alias.group(1)),
            Integer.parseInt(alias.group(2)),
            Role.valueOf(alias.group(3)),
            alias.group(4).equals("own")));
  }

  /**
   * The interface's queue; of no kind and empty where the process that made the interface died
   * before it gave it one.
   */
  TrafficControl.Discipline queue(RouteNetlink netlink) {
    try {
      return TrafficControl.root(netlink, index);
    } catch (NativeException e) {
      if (e.errno() == Errno.ENOENT) {
        return NO_QUEUE;
      }
      throw e;
    }
  }

  /** Whether it holds what a guest sends. */
  boolean isOutward() {
    return role != Role.IN;
  }

  /** Frames that wait in it. */
  HeldFrames held(RouteNetlink netlink) {
    TrafficControl.Discipline queue = queue(netlink);
    int weight =
        queue.kind().equals(PlugQueue.KIND) ? PlugQueue.WEIGHT_BYTES : ShutBucket.WEIGHT_BYTES;
    return new HeldFrames(
        queue.frames(),
        queue.bytes() - queue.frames() * weight & 0xffffffffL,
        queue.dropped() & 0xffffffffL);
  }

  /** Drops what it holds and all that comes, whoever sets the interface up again. */
  void drop(RouteNetlink netlink) {
    netlink.up(index, false);
    netlink.alias(index, alias() + DROPPED);
  }

  /**
   * Says that it passes all frames, and that it may be removed. It was opened by the VM's owner.
   */
  void markOpen(RouteNetlink netlink) {
    netlink.alias(index, alias() + LEFT_OPEN);
  }

  boolean isLeftOpen(RouteNetlink netlink) {
    return LinkFacts.find(netlink, index)
        .filter(link -> link.alias().endsWith(LEFT_OPEN))
        .isPresent();
  }

  /** Whether it was told to drop all frames, or is gone. */
  boolean isDropping(RouteNetlink netlink) {
    return LinkFacts.find(netlink, index)
        .map(link -> !link.up() || link.alias().endsWith(DROPPED))
        .orElse(true);
  }

  boolean isGone(RouteNetlink netlink) {
    return LinkFacts.find(netlink, index).isEmpty();
  }

  /** Whether no frame is in it, neither in its queue nor on its way behind that. */
  boolean isDrained(RouteNetlink netlink) {
    return queue(netlink).frames() == 0
        && LinkTraffic.of(netlink, index)
            .map(traffic -> traffic.received() - traffic.receivedDropped() == traffic.sent())
            .orElse(true);
  }

  /** Removes it; what it holds is lost. Does nothing where it is gone. */
  void remove(RouteNetlink netlink) {
    try {
      netlink.deleteLink(index);
    } catch (NativeException e) {
      if (!isGone(netlink)) {
        throw e;
      }
    }
  }
}
