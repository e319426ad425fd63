package dev.here.vmm;

import dev.here.ffi.NativeException;
import dev.here.machine.MachineState;
import dev.here.machine.VirtioDevice;
import dev.here.machine.VirtioKind;
import dev.here.net.FramePort;
import dev.here.net.Offloads;
import dev.here.net.TapDevice;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a machine's devices what they need of the host: TAP devices, disk images, the console. The
 * host's are handed out in order to the guest's devices by rising PCI address.
 *
 * <p>Networks and disks are opened when this is made, long before a standby's guest comes here:
 * what is missing shows early, and a take-over need not wait for it. Until a machine's devices are
 * made nothing is read from them or written to them; frames that came before are thrown away.
 */
final class HostDevices implements MachineDevices.Factory, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HostDevices.class);

  private final List<RawDisk> disks = new ArrayList<>();
  private final List<VmmOptions.Disk> diskOptions;
  private final List<List<TapDevice>> taps = new ArrayList<>();
  private final SerialConsole console;
  private final Optional<Integer> debugExitPort;
  private volatile OptionalInt debugExitStatus = OptionalInt.empty();

  /**
   * Opens everything.
   *
   * @throws NativeException naming the TAP device or the disk that cannot be opened
   */
  HostDevices(VmmOptions options) {
    this.console = new SerialConsole(options.console());
    this.debugExitPort = options.debugExitPort();
    this.diskOptions = options.disks();
    try {
      for (VmmOptions.Disk disk : options.disks()) {
        disks.add(RawDisk.open(disk.path(), disk.readOnly()));
      }
      for (VmmOptions.Nic nic : options.nics()) {
        List<TapDevice> queues = TapDevice.open(nic.tap(), nic.queues());
        taps.add(queues);
        queues.getFirst().up();
      }
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  @Override
  public void check(MachineState state) {
    state.virtio().forEach(VirtioPci::check);
    List<VirtioDevice> wanted =
        state.virtio().stream().filter(device -> device.kind() == VirtioKind.BLOCK).toList();
    if (wanted.size() > disks.size()) {
      throw new VmmException(
          "the guest has %d disks, this VMM was given %d: give a --disk for the one at %s"
              .formatted(wanted.size(), disks.size(), wanted.get(disks.size()).address()));
    }
  }

  @Override
  public MachineDevices make(MachineState state, MachineDevices.Sockets sockets) {
    check(state);
    Iterator<RawDisk> nextDisk = disks.iterator();
    Iterator<List<TapDevice>> nextTap = taps.iterator();
    GuestAnnouncement announcement = new GuestAnnouncement(sockets.lock());
    PlatformDevices made =
        new PlatformDevices(
            state,
            sockets,
            (function, device, bus) ->
                switch (device.kind()) {
                  case NET -> {
                    List<TapDevice> queues = queues(device, nextTap);
                    VirtioPci nic =
                        VirtioPci.network(
                            function,
                            device,
                            queues.isEmpty() ? List.of(new NoLink()) : queues,
                            sockets.memory(),
                            bus,
                            sockets.lock());
                    queues.stream().findFirst().ifPresent(tap -> announcement.add(nic, tap));
                    yield nic;
                  }
                  case BLOCK ->
                      VirtioPci.block(
                          function,
                          device,
                          new LentDisk(nextDisk.next()),
                          "",
                          sockets.memory(),
                          bus,
                          sockets.lock());
                  case RNG -> VirtioPci.rng(function, device, sockets.memory(), bus);
                },
            console,
            announcement);
    debugExitPort.ifPresent(port -> sockets.ports().attach(port, 4, debugExit(sockets.end())));
    if (!made.serials().isEmpty()) {
      console.connect(made.serials().getFirst(), sockets.lock());
    }
    return made;
  }

  /** Ends the machine at a guest's word, as QEMU's isa-debug-exit does. */
  private OctetDevice debugExit(MachineDevices.MachineEnd end) {
    return new OctetDevice() {
      @Override
      public int readOctet(int port) {
        return 0xff;
      }

      @Override
      public void writeOctet(int port, int value) {
        if (debugExitStatus.isEmpty()) {
          debugExitStatus = OptionalInt.of((value << 1 | 1) & 0xff);
          end.requested(false, "the guest wrote %d to the debug exit port".formatted(value));
        }
      }
    };
  }

  /** What a guest ended itself with through the debug exit port. */
  OptionalInt debugExitStatus() {
    return debugExitStatus;
  }

  private static List<TapDevice> queues(VirtioDevice device, Iterator<List<TapDevice>> nextTap) {
    if (!nextTap.hasNext()) {
      LOG.warn(
          "the guest's network device at {} has no --nic here: its frames are dropped",
          device.address());
      return List.of();
    }
    List<TapDevice> queues = nextTap.next();
    queues.forEach(TapDevice::discardWaiting);
    return queues;
  }

  /** The queues of each TAP that it was given, in the order of the guest's network devices. */
  List<List<TapDevice>> taps() {
    return List.copyOf(taps);
  }

  /** The disks that it was given, in the order of the guest's. */
  List<VmmOptions.Disk> disks() {
    return diskOptions;
  }

  /** A cable that leads nowhere. */
  private static final class NoLink implements FramePort {
    @Override
    public boolean send(MemorySegment record, int length) {
      return false;
    }

    @Override
    public int receive(MemorySegment record, int timeoutMillis) {
      try {
        Thread.sleep(timeoutMillis);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      return 0;
    }

    @Override
    public void accept(Offloads offloads) {}

    @Override
    public void close() {}
  }

  @Override
  public void close() {
    taps.forEach(queues -> queues.forEach(TapDevice::close));
    disks.forEach(RawDisk::close);
    console.close();
  }
}
