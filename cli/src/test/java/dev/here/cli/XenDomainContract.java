package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.driver.xen.XenGuest;
import dev.here.hypervisor.Primary;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryRegion;
import dev.here.machine.VcpuState;
import dev.here.testkit.PrimaryContract;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * The contract, run on a Xen host itself by {@link XenContractTest}: each test has the domain that
 * {@code xl save} left in {@link #SAVED}.
 */
class XenDomainContract extends PrimaryContract {
  static final String SAVED = "/run/contract.xl";

  private static final String DOMAIN = "demo";
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** Bits of a page table entry, AMD64 APM volume 2, 5.3. */
  private static final long PRESENT = 1;

  private static final long LARGE = 1 << 7;
  private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

  @SuppressWarnings("NullAway.Init")
  private XenGuest guest;

  @Override
  protected Primary start() throws Exception {
    run("xl", "restore", SAVED);
    Path folder = Files.createTempDirectory(Path.of("/run"), "contract");
    guest = new XenGuest(DOMAIN, folder, PATIENCE);
    return guest.primary();
  }

  @Override
  protected void stop() throws Exception {
    guest.close();
    new ProcessBuilder("xl", "destroy", DOMAIN).inheritIO().start().waitFor();
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor())
        .as(String.join(" ", command))
        .isZero();
  }

  /**
   * The instruction that comes next is mapped by the page tables of the same moment, and so is the
   * stack.
   */
  @Override
  protected void checkConsistent(MemorySegment memory, MachineState state) {
    for (VcpuState vcpu : state.vcpus()) {
      assertThat(mapped(memory, state, vcpu, vcpu.general().rip())).as("instruction").isTrue();
      assertThat(mapped(memory, state, vcpu, vcpu.general().rsp())).as("stack").isTrue();
    }
  }

  private static boolean mapped(
      MemorySegment memory, MachineState state, VcpuState vcpu, long virtual) {
    long table = vcpu.system().cr3() & ADDRESS;
    for (int level = 3; level >= 0; level--) {
      long index = virtual >>> (12 + 9 * level) & 511;
      MemoryRegion region = state.memory().regionAt(table).orElseThrow();
      long offset = region.backingOffset() + (table - region.gpa()) + 8 * index;
      long entry = memory.get(ValueLayout.JAVA_LONG, offset);
      if ((entry & PRESENT) == 0) {
        return false;
      }
      if (level > 0 && (entry & LARGE) != 0) {
        return true;
      }
      table = entry & ADDRESS;
    }
    return true;
  }
}
