package dev.here.driver.xen;

import dev.here.ffi.MappedMemory;
import dev.here.formats.xen.XenDomainImage;
import dev.here.formats.xen.XenFormatException;
import dev.here.hypervisor.EncodedState;
import dev.here.hypervisor.GuestProgress;
import dev.here.hypervisor.HypervisorException;
import dev.here.hypervisor.Standby;
import dev.here.hypervisor.StateRefusedException;
import dev.here.machine.LostField;
import dev.here.machine.MachineShape;
import dev.here.machine.MachineState;
import dev.here.machine.MemoryMap;
import dev.here.machine.TranslationReport;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A replica on a host with stock Xen, of a guest that Xen had started: its memory is in this
 * process; a take-over writes the guest as a stream of libxl into {@code xl restore}, which makes a
 * domain of it and lets it run (docs/specs/xen-streams.md, "A machine state as a stream").
 */
public final class XenStandby implements Standby {
  private static final Logger LOG = LoggerFactory.getLogger(XenStandby.class);
  private static final long PAGE_BYTES = 4096;
  private static final long MEBIBYTE = 1 << 20;

  /** What a domain takes beside its guest's memory: page tables, its vCPUs, libxl's slack. */
  private static final long DOMAIN_BYTES = 16 * MEBIBYTE;

  /** Where Linux offers a hypervisor's calls (libxencall asks for the first, then the second). */
  private static final List<Path> HYPERCALLS =
      List.of(Path.of("/dev/xen/privcmd"), Path.of("/proc/xen/privcmd"));

  private final Path log;
  private Optional<XenControl> control = Optional.empty();
  private Optional<MappedMemory> memory = Optional.empty();
  private Optional<MachineShape> triedShape = Optional.empty();
  private Optional<XenDomain> running = Optional.empty();

  /**
   * @param log gets what xl says
   */
  public XenStandby(Path log) {
    this.log = log;
  }

  /** Whether this host's hypervisor is a Xen that is known, with its toolstack. */
  public static boolean isHere() {
    // Elsewhere libxencall would say so in a line of its own, once for each replica.
    if (HYPERCALLS.stream().noneMatch(Files::exists)) {
      return false;
    }
    try {
      XenLibraries.require();
      try (XenControl found = XenControl.open()) {
        return found.hostTscKhz() > 0;
      }
    } catch (HypervisorException e) {
      LOG.debug("no Xen here: {}", e.getMessage());
      return false;
    }
  }

  @Override
  public String hypervisor() {
    return "xen-%d.%d".formatted(XenLibraries.MAJOR, XenLibraries.MINOR);
  }

  @Override
  public void prepare(MemoryMap shape, int vcpus) {
    XenLibraries.require();
    XenControl opened = XenControl.open();
    control = Optional.of(opened);
    long free = opened.freePages() * PAGE_BYTES;
    if (free < shape.backingSizeBytes() + DOMAIN_BYTES) {
      throw new StateRefusedException(
          "Xen has %d MiB free, a domain of %d MiB takes %d: give dom0 less (dom0_mem=) or end other domains"
              .formatted(
                  free / MEBIBYTE,
                  shape.backingSizeBytes() / MEBIBYTE,
                  (shape.backingSizeBytes() + DOMAIN_BYTES) / MEBIBYTE));
    }
    memory = Optional.of(MappedMemory.anonymous(shape.backingSizeBytes()));
  }

  @Override
  public MemorySegment memory() {
    return memory.orElseThrow(() -> new IllegalStateException("prepare comes first")).segment();
  }

  /** A state is translated to all that Xen takes; only a restored domain could try it. */
  @Override
  public void validate(EncodedState encoded) {
    MachineState state = encoded.decoded();
    String name = state.platform().vmName();
    XenDomainImage image = image(state);
    KnownDomains.HERE.require(name, image.configuration());
    Optional<MachineShape> shape = Optional.of(MachineShape.of(state));
    if (!triedShape.equals(shape)) {
      tryOut(name, image);
      triedShape = shape;
    }
  }

  private void tryOut(String name, XenDomainImage image) {
    for (LostField lost : report(image).lost()) {
      LOG.info("{} {}: {}", lost.path(), lost.value(), lost.reason());
    }
    requireNone(name);
  }

  private static TranslationReport report(XenDomainImage image) {
    try {
      return image.report();
    } catch (XenFormatException e) {
      throw new StateRefusedException("Xen cannot take the guest: " + e.getMessage(), e);
    }
  }

  private XenDomainImage image(MachineState state) {
    try {
      if (state.memory().backingSizeBytes() != memory().byteSize()) {
        throw new StateRefusedException(
            "the guest's memory has %d octets, its replica %d"
                .formatted(state.memory().backingSizeBytes(), memory().byteSize()));
      }
      return XenDomainImage.of(state);
    } catch (XenFormatException e) {
      throw new StateRefusedException("Xen cannot take the guest: " + e.getMessage(), e);
    }
  }

  /** xl takes no second domain of a name. */
  private void requireNone(String name) {
    find(name)
        .ifPresent(domain -> {
          throw new StateRefusedException(
              "domain %s (%d) is on this host already: destroy it, its guest runs elsewhere"
                  .formatted(name, domain.id()));
        });
  }

  private Optional<XenDomain> find(String name) {
    try (XenStore store = new XenStore()) {
      return XenDomain.named(opened(), store, name);
    }
  }

  private XenControl opened() {
    return control.orElseThrow(() -> new IllegalStateException("prepare comes first"));
  }

  @Override
  public void activate(EncodedState encoded) {
    MachineState state = encoded.decoded();
    XenDomainImage image = image(state);
    KnownDomains.HERE.require(state.platform().vmName(), image.configuration());
    long began = System.nanoTime();
    new Toolstack().restore(channel -> image.write(channel, memory()), log);
    String name = state.platform().vmName();
    running = find(name);
    if (running.isEmpty()) {
      throw new HypervisorException(
          "xl restore has ended, but there is no domain %s; see %s".formatted(name, log));
    }
    LOG.info(
        "{} runs as domain {} ({} ms)",
        name,
        running.get().id(),
        (System.nanoTime() - began) / 1_000_000);
  }

  /** The domain, once the guest runs here. */
  public Optional<XenDomain> domain() {
    return running;
  }

  @Override
  public GuestProgress progress(long timeoutNanos) {
    return running
        .map(domain -> DomainProgress.of(opened(), domain))
        .orElseGet(() -> new GuestProgress(true, true, 0, true));
  }

  @Override
  public void close() {
    memory.ifPresent(MappedMemory::close);
    memory = Optional.empty();
    control.ifPresent(XenControl::close);
    control = Optional.empty();
  }
}
