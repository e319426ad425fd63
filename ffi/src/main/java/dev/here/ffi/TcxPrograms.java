package dev.here.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * BPF programs that an interface runs before its filters (bpf(2), BPF_PROG_QUERY; union bpf_attr in
 * linux/bpf.h; kernel/bpf/tcx.c, since Linux 6.6).
 */
public final class TcxPrograms {
  /** Programs for what the interface receives. */
  public static final int BPF_TCX_INGRESS = 46;

  /** Programs for what the interface sends. */
  public static final int BPF_TCX_EGRESS = 47;

  static final int BPF_PROG_QUERY = 16;
  static final int ATTACH_TYPE_OFFSET = 4;
  static final int COUNT_OFFSET = 24;

  /** As much of union bpf_attr as the question uses; the kernel takes any length up to its own. */
  static final int QUERY_BYTES = 64;

  static final long SYS_BPF = 321;
  private static final NativeFunction SYSCALL = Downcall.libc().function("syscall");

  private TcxPrograms() {}

  /**
   * How many an interface of this thread's network namespace has; 0 where the kernel knows none.
   *
   * @param side {@link #BPF_TCX_INGRESS} or {@link #BPF_TCX_EGRESS}
   * @throws NativeException when the kernel does not say, for example EPERM without CAP_NET_ADMIN
   */
  public static int count(int interfaceIndex, int side) {
    MemorySegment query = ThreadScratch.zeroed(QUERY_BYTES);
    query.set(JAVA_INT, 0, interfaceIndex);
    query.set(JAVA_INT, ATTACH_TYPE_OFFSET, side);
    long result =
        SYSCALL.callLong(SYS_BPF, BPF_PROG_QUERY, NativeFunction.pointer(query), QUERY_BYTES);
    return switch ((int) -result) {
      case 0 -> query.get(JAVA_INT, COUNT_OFFSET);
      // Linux without tcx, without BPF, and with tcx but without any program here (6.6.0).
      case Errno.EINVAL, Errno.ENOSYS, Errno.ENOENT -> 0;
      default ->
          throw new NativeException(
              (int) -result, "ask for the BPF programs of interface " + interfaceIndex);
    };
  }
}
