package dev.here.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Binds C functions. A symbol is named once, in a static final handle; the caller uses {@code
 * invokeExact} with the exact types of the descriptor.
 *
 * <p>Handles made by {@link #capturing} take the capture segment ({@link Errno#capture()}) as their
 * first argument: the JVM may itself call libc between the return of a function and the next line
 * of Java, so errno must be saved by the call stub.
 */
public final class Downcall {
  private static final Linker LINKER = Linker.nativeLinker();

  private final SymbolLookup lookup;
  private final String library;

  private Downcall(SymbolLookup lookup, String library) {
    this.lookup = lookup;
    this.library = library;
  }

  /** The C library that the JVM itself runs on. */
  public static Downcall libc() {
    return new Downcall(LINKER.defaultLookup(), "the C library");
  }

  /**
   * A shared library that stays loaded until the process ends.
   *
   * @param soname name for the dynamic loader, for example {@code libxenctrl.so.4.17}
   * @throws NativeLinkException when the loader doesn't find it
   */
  public static Downcall library(String soname) {
    try {
      return new Downcall(SymbolLookup.libraryLookup(soname, Arena.global()), soname);
    } catch (IllegalArgumentException e) {
      throw new NativeLinkException(
          "cannot load " + soname + ": install the package that ships it, or set LD_LIBRARY_PATH",
          e);
    }
  }

  /**
   * Binds a function that reports failure through errno; see the class text for its first argument.
   */
  public MethodHandle capturing(String symbol, FunctionDescriptor type) {
    return LINKER.downcallHandle(
        address(symbol), type, Linker.Option.captureCallState(Errno.STATE_NAME));
  }

  /**
   * A function of at most six integers and pointers.
   *
   * @throws NativeLinkException when the library doesn't export it
   */
  public NativeFunction function(String symbol) {
    return new NativeFunction(address(symbol));
  }

  /** Binds a function whose failure, if it can fail, is told by its value alone. */
  public MethodHandle plain(String symbol, FunctionDescriptor type) {
    return LINKER.downcallHandle(address(symbol), type);
  }

  /** Whether the library has all of these symbols; says which are missing. */
  public List<String> missing(List<String> symbols) {
    List<String> absent = new ArrayList<>();
    for (String symbol : symbols) {
      if (lookup.find(symbol).isEmpty()) {
        absent.add(symbol);
      }
    }
    return absent;
  }

  /**
   * The address of a function.
   *
   * @throws NativeLinkException when the library doesn't export it
   */
  public MemorySegment address(String symbol) {
    return lookup
        .find(symbol)
        .orElseThrow(() ->
            new NativeLinkException(
                library + " has no symbol " + symbol + ": it is too old, or not glibc", null));
  }

  /**
   * Turns what {@code invokeExact} declares into what can really happen: an unchecked throwable.
   */
  public static RuntimeException unexpected(Throwable thrown) {
    if (thrown instanceof RuntimeException e) {
      return e;
    }
    if (thrown instanceof Error e) {
      throw e;
    }
    return new IllegalStateException("a downcall threw a checked exception", thrown);
  }
}
