package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * A socket to the kernel's network configuration (rtnetlink(7)), in the network namespace of the
 * thread that opened it. Each request waits for the kernel's acknowledgement. Changes need
 * CAP_NET_ADMIN. Not thread-safe.
 */
public final class RouteNetlink implements AutoCloseable {
  private static final int NETLINK_ROUTE = 0;
  private static final int SOCKADDR_NL_BYTES = 12;

  /** So often a list is asked for that changes while the kernel writes it. */
  private static final int MOST_ATTEMPTS = 10;

  private static final NativeFunction IF_NAMETOINDEX = Downcall.libc().function("if_nametoindex");

  private final FileDescriptor descriptor;
  private int sequence;

  private RouteNetlink(FileDescriptor descriptor) {
    this.descriptor = descriptor;
  }

  /** Opens a socket. */
  public static RouteNetlink open() {
    FileDescriptor descriptor =
        FileDescriptor.of(
            Sockets.socket(Sockets.AF_NETLINK, Sockets.SOCK_RAW, NETLINK_ROUTE),
            "rtnetlink",
            "open an rtnetlink socket");
    MemorySegment address = ThreadScratch.zeroed(SOCKADDR_NL_BYTES);
    address.set(JAVA_SHORT, 0, (short) Sockets.AF_NETLINK);
    int result = Sockets.bind(descriptor.number(), address, SOCKADDR_NL_BYTES);
    if (result < 0) {
      descriptor.close();
      throw new NativeException(-result, "bind an rtnetlink socket");
    }
    return new RouteNetlink(descriptor);
  }

  /** The index of an interface of the calling thread's namespace; empty when there is none. */
  public static OptionalInt interfaceIndex(String name) {
    try (Arena arena = Arena.ofConfined()) {
      int index = IF_NAMETOINDEX.value(arena.allocateFrom(name).address(), 0, 0);
      return index > 0 ? OptionalInt.of(index) : OptionalInt.empty();
    }
  }

  private static int requiredIndex(String name) {
    return interfaceIndex(name)
        .orElseThrow(() -> new NativeException(Errno.ENODEV, "find interface " + name));
  }

  /**
   * Sends a request and waits for its acknowledgement.
   *
   * @param attempted what it does, for the error text
   * @throws NativeException with the kernel's errno
   */
  public void request(NetlinkMessage message, String attempted) {
    request(List.of(message), attempted);
  }

  /**
   * Sends several requests as one, so that the kernel does them one after the other without this
   * thread in between, and waits for all acknowledgements. A request that fails does not keep the
   * later ones from being done.
   *
   * @param attempted what they do, for the error text
   * @throws NativeException with the errno of the first that failed
   */
  public void request(List<NetlinkMessage> messages, String attempted) {
    exchange(messages, attempted).forEach(reply -> reply.require(attempted));
  }

  /**
   * As {@link #request(List, String)}, with what the kernel said to each, in their order.
   *
   * @throws NativeException when the requests could not be sent or their replies not be read
   */
  public List<KernelReply> exchange(List<NetlinkMessage> messages, String attempted) {
    List<NetlinkAnswers> answers = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(NetlinkAnswers.BUFFER_BYTES, 8);
      long size = 0;
      for (NetlinkMessage message : messages) {
        byte[] bytes = message.toBytes(++sequence);
        answers.add(new NetlinkAnswers(sequence));
        if (size + bytes.length > buffer.byteSize()) {
          throw new IllegalArgumentException(
              "%d requests have more than %d octets".formatted(messages.size(), buffer.byteSize()));
        }
        MemorySegment.copy(bytes, 0, buffer, JAVA_BYTE, size, bytes.length);
        size += bytes.length + 3 & ~3;
      }
      if (size > 0) {
        collect(answers, buffer, size, attempted);
      }
    }
    return answers.stream()
        .map(answer -> new KernelReply(answer.errno(), answer.contents()))
        .toList();
  }

  /**
   * Sends a question and collects its answers, up to the acknowledgement or the end of a list.
   *
   * @param attempted what is asked, for the error text
   * @return the answers' contents after struct nlmsghdr
   * @throws NativeException with the kernel's errno
   */
  List<ByteBuffer> ask(NetlinkMessage question, String attempted) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(NetlinkAnswers.BUFFER_BYTES, 8);
      for (int attempt = 1; ; attempt++) {
        NetlinkAnswers answers = answers(question, buffer, attempted);
        if (answers.errno() != 0) {
          throw new NativeException(answers.errno(), attempted);
        }
        if (!answers.isInterrupted() || attempt == MOST_ATTEMPTS) {
          return answers.contents();
        }
      }
    }
  }

  private NetlinkAnswers answers(NetlinkMessage question, MemorySegment buffer, String attempted) {
    byte[] bytes = question.toBytes(++sequence);
    NetlinkAnswers answers = new NetlinkAnswers(sequence);
    MemorySegment.copy(bytes, 0, buffer, JAVA_BYTE, 0, bytes.length);
    collect(List.of(answers), buffer, bytes.length, attempted);
    return answers;
  }

  /** Sends what a buffer begins with, and receives into it until all of it is answered. */
  private void collect(
      List<NetlinkAnswers> answers, MemorySegment buffer, long sizeBytes, String attempted) {
    int fd = descriptor.number();
    long size = Sockets.send(fd, buffer.address(), sizeBytes, 0);
    while (size >= 0 && !answers.stream().allMatch(NetlinkAnswers::isComplete)) {
      size = Sockets.receive(fd, buffer.address(), buffer.byteSize(), Sockets.MSG_TRUNC);
      if (size > buffer.byteSize()) {
        throw new NativeException(Errno.EMSGSIZE, attempted);
      }
      if (size >= 0) {
        MemorySegment datagram = buffer.asSlice(0, size);
        answers.forEach(each -> each.add(datagram.asByteBuffer()));
      } else if (size == -Errno.EINTR) {
        size = 0;
      }
    }
    if (size < 0) {
      throw new NativeException((int) -size, attempted);
    }
  }

  /** Creates a link of a kind without options: {@code bridge}, {@code dummy}, {@code ifb}. */
  public void addLink(String name, String kind) {
    request(
        newLink(name)
            .begin(NetlinkMessage.IFLA_LINKINFO)
            .attribute(NetlinkMessage.IFLA_INFO_KIND, kind)
            .end(),
        "add link " + name + " of kind " + kind);
  }

  /**
   * Keeps the kernel from giving a link that is down an IPv6 address of its own, and from sending
   * what goes with it. Does nothing where there is no IPv6.
   */
  public void withoutIpv6Address(int index) {
    NetlinkMessage message =
        NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, 0, index, 0, 0)
            .begin(NetlinkMessage.IFLA_AF_SPEC)
            .begin(NetlinkMessage.AF_INET6)
            .attribute(
                NetlinkMessage.IFLA_INET6_ADDR_GEN_MODE,
                new byte[] {NetlinkMessage.IN6_ADDR_GEN_MODE_NONE})
            .end()
            .end();
    String attempted = "keep link %d without an address".formatted(index);
    KernelReply reply = exchange(List.of(message), attempted).getFirst();
    if (reply.errno() != Errno.EAFNOSUPPORT) {
      reply.require(attempted);
    }
  }

  /** Creates two links that are joined like the ends of a cable. */
  public void addVeth(String name, String peer) {
    request(
        newLink(name)
            .begin(NetlinkMessage.IFLA_LINKINFO)
            .attribute(NetlinkMessage.IFLA_INFO_KIND, "veth")
            .begin(NetlinkMessage.IFLA_INFO_DATA)
            .beginVethPeer()
            .attribute(NetlinkMessage.IFLA_IFNAME, peer)
            .end()
            .end()
            .end(),
        "add veth " + name + " with peer " + peer);
  }

  private static NetlinkMessage newLink(String name) {
    int flags = NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL;
    return NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, flags, 0, 0, 0)
        .attribute(NetlinkMessage.IFLA_IFNAME, name);
  }

  /** Removes a link. */
  public void deleteLink(String name) {
    request(
        NetlinkMessage.link(NetlinkMessage.RTM_DELLINK, 0, requiredIndex(name), 0, 0),
        "delete link " + name);
  }

  /** Removes a link by its index. */
  public void deleteLink(int index) {
    request(
        NetlinkMessage.link(NetlinkMessage.RTM_DELLINK, 0, index, 0, 0), "delete link " + index);
  }

  /** Gives a link a text for people and programs; 255 octets at most. */
  public void alias(int index, String text) {
    // Without a zero octet: the kernel takes the attribute's length for the text's.
    byte[] octets = text.getBytes(StandardCharsets.UTF_8);
    request(
        NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, 0, index, 0, 0)
            .attribute(LinkFacts.IFLA_IFALIAS, octets),
        "set the alias of link " + index);
  }

  /** Sets a link up or down by its index; down, it loses what its queue holds. */
  public void up(int index, boolean on) {
    request(
        NetlinkMessage.link(
            NetlinkMessage.RTM_NEWLINK,
            0,
            index,
            on ? NetlinkMessage.IFF_UP : 0,
            NetlinkMessage.IFF_UP),
        "set link %d %s".formatted(index, on ? "up" : "down"));
  }

  /** Sets a link up or down. */
  public void up(String name, boolean on) {
    up(requiredIndex(name), on);
  }

  /** Makes a link a port of a bridge. */
  public void master(String name, String bridge) {
    request(
        NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, 0, requiredIndex(name), 0, 0)
            .attribute(NetlinkMessage.IFLA_MASTER, requiredIndex(bridge)),
        "make link " + name + " a port of " + bridge);
  }

  /** Sets a link's largest frame payload in bytes. */
  public void mtu(String name, int sizeBytes) {
    request(
        NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, 0, requiredIndex(name), 0, 0)
            .attribute(NetlinkMessage.IFLA_MTU, sizeBytes),
        "set the MTU of " + name + " to " + sizeBytes);
  }

  /** Sets a link's hardware address of 6 bytes. */
  public void hardwareAddress(String name, byte[] mac) {
    request(
        NetlinkMessage.link(NetlinkMessage.RTM_NEWLINK, 0, requiredIndex(name), 0, 0)
            .attribute(NetlinkMessage.IFLA_ADDRESS, mac),
        "set the hardware address of " + name);
  }

  /** Gives an interface an address. */
  public void addAddress(String name, InetAddress address, int prefixBits) {
    int family = address instanceof Inet4Address ? Sockets.AF_INET : 10;
    NetlinkMessage message =
        NetlinkMessage.address(
            NetlinkMessage.RTM_NEWADDR,
            NetlinkMessage.NLM_F_CREATE | NetlinkMessage.NLM_F_EXCL,
            family,
            prefixBits,
            requiredIndex(name));
    message.attribute(NetlinkMessage.IFA_LOCAL, address.getAddress());
    message.attribute(NetlinkMessage.IFA_ADDRESS, address.getAddress());
    request(message, "add address %s/%d to %s".formatted(address, prefixBits, name));
  }

  public FileDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public void close() {
    descriptor.close();
  }
}
