package dev.here.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Measures one or more figures on this machine's /dev/kvm. */
interface Benchmark {
  /** What it can measure. */
  List<String> names();

  /**
   * Measures.
   *
   * @param wanted some of {@link #names}
   * @param folder for sockets and the log of the VMM processes; exists
   * @throws BenchException when something did not come to pass
   */
  List<Figure> measure(Set<String> wanted, Path folder) throws InterruptedException;
}
