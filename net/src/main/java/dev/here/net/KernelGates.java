package dev.here.net;

import dev.here.ffi.Errno;
import dev.here.ffi.NativeException;
import dev.here.ffi.NetlinkMessage;
import dev.here.ffi.RouteNetlink;
import dev.here.ffi.Threads;
import dev.here.ffi.TrafficControl;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * Whether this kernel can hold a port's frames, found by trying each part of a gate in a network
 * namespace of its own, which ends afterwards. The kernel loads the modules that it has.
 *
 * @param queue what would hold frames
 * @param missing modules that a gate needs and the kernel does not have; sch_plug is not among them
 *     where token buckets do in its place
 */
public record KernelGates(Queue queue, List<String> missing) {
  /** What holds frames (docs/specs/frame-gate.md). */
  public enum Queue {
    PLUG,
    TOKEN_BUCKETS,
    NONE
  }

  private static final String LINK = "heredoctor0";

  /** Each network namespace has it, with this number. */
  private static final int LOOPBACK = 1;

  private static final int WEIGHT_BYTES = 1000;
  private static final int SOME_BYTES = 1 << 20;
  private static final int SOME_FRAMES = 100;

  public KernelGates {
    missing = List.copyOf(missing);
  }

  /** Whether gates can be made. */
  public boolean usable() {
    return missing.isEmpty();
  }

  /**
   * Tries it. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
   *
   * @throws GateException when it cannot be tried, with the kernel's error
   */
  public static KernelGates probe() {
    CompletableFuture<KernelGates> found = new CompletableFuture<>();
    // The namespace ends with this thread and the socket that it makes there.
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            Threads.enterOwnNetwork();
            try (RouteNetlink netlink = RouteNetlink.open()) {
              found.complete(new Trial(netlink).run());
            }
          } catch (NativeException e) {
            found.completeExceptionally(new GateException(String.valueOf(e.getMessage()), e));
          } catch (RuntimeException e) {
            found.completeExceptionally(e);
          } catch (Error e) {
            found.completeExceptionally(e);
            throw e;
          }
        });
    try {
      return found.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof GateException gate ? gate : e;
    }
  }

  /** Tries parts in a namespace that nobody else uses; its loopback stands for a port. */
  private static final class Trial {
    private final RouteNetlink netlink;
    private final List<String> missing = new ArrayList<>();

    Trial(RouteNetlink netlink) {
      this.netlink = netlink;
    }

    KernelGates run() {
      boolean links = knows(() -> netlink.addLink(LINK, "ifb"));
      require("ifb", links);
      int holder = links ? RouteNetlink.interfaceIndex(LINK).orElseThrow() : LOOPBACK;
      Queue queue = queue(holder);
      boolean classifies = knows(TrafficControl.addClassifier(LOOPBACK));
      require("sch_ingress", classifies);
      if (classifies) {
        require(
            "cls_u32 and act_mirred",
            knows(TrafficControl.redirect(LOOPBACK, TrafficControl.TC_H_MIN_INGRESS, 1, holder)));
      }
      return new KernelGates(queue, missing);
    }

    private Queue queue(int holder) {
      if (knows(TrafficControl.addPlug(holder, SOME_BYTES, WEIGHT_BYTES))) {
        return Queue.PLUG;
      }
      var bucket = new TrafficControl.Bucket(WEIGHT_BYTES, SOME_BYTES, SOME_FRAMES);
      if (knows(bucket.add(holder, SOME_BYTES))) {
        return Queue.TOKEN_BUCKETS;
      }
      missing.add("sch_plug");
      return Queue.NONE;
    }

    private void require(String modules, boolean known) {
      if (!known) {
        missing.add(modules);
      }
    }

    private boolean knows(List<NetlinkMessage> requests) {
      return knows(() -> netlink.request(requests, "try a gate"));
    }

    private boolean knows(NetlinkMessage request) {
      return knows(List.of(request));
    }

    /** Kinds of queues and filters are unknown by ENOENT, of interfaces by EOPNOTSUPP. */
    private static boolean knows(Runnable attempt) {
      try {
        attempt.run();
        return true;
      } catch (NativeException e) {
        if (e.errno() != Errno.ENOENT && e.errno() != Errno.EOPNOTSUPP) {
          throw e;
        }
        return false;
      }
    }
  }
}
