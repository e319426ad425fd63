package dev.here.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * Error numbers of Linux on x86-64 (asm-generic/errno-base.h, asm-generic/errno.h), and where a
 * downcall leaves its own.
 */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int ESRCH = 3;
  public static final int EINTR = 4;
  public static final int EIO = 5;
  public static final int ENXIO = 6;
  public static final int E2BIG = 7;
  public static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EFAULT = 14;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int ENODEV = 19;
  public static final int EINVAL = 22;
  public static final int ENOTTY = 25;
  public static final int ENOSPC = 28;
  public static final int EPIPE = 32;
  public static final int ENOSYS = 38;
  public static final int ENODATA = 61;
  public static final int EBADMSG = 74;
  public static final int EOVERFLOW = 75;
  public static final int EOPNOTSUPP = 95;
  public static final int EAFNOSUPPORT = 97;
  public static final int EMSGSIZE = 90;
  public static final int EADDRINUSE = 98;
  public static final int ECONNRESET = 104;
  public static final int ENETDOWN = 100;
  public static final int ENOBUFS = 105;
  public static final int ENOTCONN = 107;
  public static final int ETIMEDOUT = 110;
  public static final int ECONNREFUSED = 111;
  public static final int EINPROGRESS = 115;

  static final String STATE_NAME = "errno";

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final long ERRNO_OFFSET = offset(STATE, STATE_NAME);
  private static final ThreadLocal<MemorySegment> CAPTURE =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(STATE));

  private static final String[] NAMES =
      (",EPERM,ENOENT,ESRCH,EINTR,EIO,ENXIO,E2BIG,ENOEXEC,EBADF,ECHILD,EAGAIN,ENOMEM,EACCES,"
              + "EFAULT,ENOTBLK,EBUSY,EEXIST,EXDEV,ENODEV,ENOTDIR,EISDIR,EINVAL,ENFILE,EMFILE,"
              + "ENOTTY,ETXTBSY,EFBIG,ENOSPC,ESPIPE,EROFS,EMLINK,EPIPE,EDOM,ERANGE,EDEADLK,"
              + "ENAMETOOLONG,ENOLCK,ENOSYS,ENOTEMPTY,ELOOP,,ENOMSG,EIDRM,ECHRNG,EL2NSYNC,EL3HLT,"
              + "EL3RST,ELNRNG,EUNATCH,ENOCSI,EL2HLT,EBADE,EBADR,EXFULL,ENOANO,EBADRQC,EBADSLT,,"
              + "EBFONT,ENOSTR,ENODATA,ETIME,ENOSR,ENONET,ENOPKG,EREMOTE,ENOLINK,EADV,ESRMNT,"
              + "ECOMM,EPROTO,EMULTIHOP,EDOTDOT,EBADMSG,EOVERFLOW,ENOTUNIQ,EBADFD,EREMCHG,ELIBACC,"
              + "ELIBBAD,ELIBSCN,ELIBMAX,ELIBEXEC,EILSEQ,ERESTART,ESTRPIPE,EUSERS,ENOTSOCK,"
              + "EDESTADDRREQ,EMSGSIZE,EPROTOTYPE,ENOPROTOOPT,EPROTONOSUPPORT,ESOCKTNOSUPPORT,"
              + "EOPNOTSUPP,EPFNOSUPPORT,EAFNOSUPPORT,EADDRINUSE,EADDRNOTAVAIL,ENETDOWN,"
              + "ENETUNREACH,ENETRESET,ECONNABORTED,ECONNRESET,ENOBUFS,EISCONN,ENOTCONN,ESHUTDOWN,"
              + "ETOOMANYREFS,ETIMEDOUT,ECONNREFUSED,EHOSTDOWN,EHOSTUNREACH,EALREADY,EINPROGRESS,"
              + "ESTALE,EUCLEAN,ENOTNAM,ENAVAIL,EISNAM,EREMOTEIO,EDQUOT,ENOMEDIUM,EMEDIUMTYPE,"
              + "ECANCELED,ENOKEY,EKEYEXPIRED,EKEYREVOKED,EKEYREJECTED,EOWNERDEAD,ENOTRECOVERABLE,"
              + "ERFKILL,")
          .split(",", -1);

  private Errno() {}

  /** As {@code layout.byteOffset}, which makes the JVM spin classes for a path. */
  private static long offset(StructLayout layout, String member) {
    long offset = 0;
    for (MemoryLayout each : layout.memberLayouts()) {
      if (each.name().equals(Optional.of(member))) {
        return offset;
      }
      offset += each.byteSize();
    }
    throw new IllegalStateException("this Java does not capture " + member);
  }

  /** This thread's capture segment, the first argument of a capturing downcall. */
  public static MemorySegment capture() {
    return CAPTURE.get();
  }

  /** The errno that the last capturing downcall left in this segment. */
  public static int of(MemorySegment capture) {
    return capture.get(ValueLayout.JAVA_INT, ERRNO_OFFSET);
  }

  /** {@code result}, or the negated errno when it is -1, as the kernel itself returns it. */
  public static int resultOrNegated(int result, MemorySegment capture) {
    return result == -1 ? -of(capture) : result;
  }

  /** As {@link #resultOrNegated(int, MemorySegment)}. */
  public static long resultOrNegated(long result, MemorySegment capture) {
    return result == -1 ? -of(capture) : result;
  }

  /** The C name, for example {@code ENOENT}; {@code errno 999} when there is none. */
  public static String name(int errno) {
    if (errno > 0 && errno < NAMES.length && !NAMES[errno].isEmpty()) {
      return NAMES[errno];
    }
    return "errno " + errno;
  }
}
