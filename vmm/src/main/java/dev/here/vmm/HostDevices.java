package dev.here.vmm;

import dev.here.machine.MachineState;
import dev.here.machine.PciFunction;
import dev.here.machine.VirtioDevice;
import dev.here.net.FramePort;
import dev.here.net.Offloads;
import dev.here.net.TapDevice;
import java.lang.foreign.MemorySegment;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a machine's devices what they need of the host: TAP devices, disk images, the console. The
 * host's are handed out in order to the guest's devices by rising PCI address.
 */
final class HostDevices implements MachineDevices.Factory, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HostDevices.class);

  private final List<VmmOptions.Disk> disks;
  private final List<VmmOptions.Nic> nics;
  private final SerialConsole console;
  private final Optional<Integer> debugExitPort;
  private volatile OptionalInt debugExitStatus = OptionalInt.empty();

  HostDevices(VmmOptions options) {
    this.disks = options.disks();
    this.nics = options.nics();
    this.console = new SerialConsole(options.console());
    this.debugExitPort = options.debugExitPort();
  }

  @Override
  public MachineDevices make(MachineState state, MachineDevices.Sockets sockets) {
    Iterator<VmmOptions.Disk> nextDisk = disks.iterator();
    Iterator<VmmOptions.Nic> nextNic = nics.iterator();
    PlatformDevices made =
        new PlatformDevices(
            state,
            sockets,
            (function, device, bus) ->
                switch (device.kind()) {
                  case NET ->
                      VirtioPci.network(
                          function,
                          device,
                          link(device, nextNic),
                          sockets.memory(),
                          bus,
                          sockets.lock());
                  case BLOCK -> block(function, device, nextDisk, sockets, bus);
                  case RNG -> VirtioPci.rng(function, device, sockets.memory(), bus);
                },
            console);
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

  private static FramePort link(VirtioDevice device, Iterator<VmmOptions.Nic> nextNic) {
    if (!nextNic.hasNext()) {
      LOG.warn(
          "the guest's network device at {} has no --nic here: its frames are dropped",
          device.address());
      return new NoLink();
    }
    TapDevice tap = TapDevice.open(nextNic.next().tap());
    tap.up();
    return tap;
  }

  private static VirtioPci block(
      PciFunction function,
      VirtioDevice device,
      Iterator<VmmOptions.Disk> nextDisk,
      MachineDevices.Sockets sockets,
      PciBus bus) {
    if (!nextDisk.hasNext()) {
      throw new VmmException(
          "the guest's disk at %s has no --disk here".formatted(device.address()));
    }
    VmmOptions.Disk disk = nextDisk.next();
    return VirtioPci.block(
        function,
        device,
        RawDisk.open(disk.path(), disk.readOnly()),
        "",
        sockets.memory(),
        bus,
        sockets.lock());
  }

  /** A cable that leads nowhere. */
  private static final class NoLink implements FramePort {
    private volatile boolean closed;

    @Override
    public boolean send(MemorySegment record, int length) {
      return false;
    }

    @Override
    public int receive(MemorySegment record, int timeoutMillis) {
      if (!closed) {
        try {
          Thread.sleep(timeoutMillis);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
      return 0;
    }

    @Override
    public void accept(Offloads offloads) {}

    @Override
    public void close() {
      closed = true;
    }
  }

  @Override
  public void close() {
    console.close();
  }
}
