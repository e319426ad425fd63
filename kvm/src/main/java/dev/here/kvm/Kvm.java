package dev.here.kvm;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.here.ffi.Errno;
import dev.here.ffi.FileDescriptor;
import dev.here.ffi.Libc;
import dev.here.ffi.NativeException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The open /dev/kvm: what this host's KVM can do, and the way to a {@link KvmVm}. Facts:
 * Documentation/virt/kvm/api.rst of Linux.
 */
public final class Kvm implements AutoCloseable {
  private static final String DEVICE = "/dev/kvm";
  private static final int API_VERSION = 12;
  private static final int MAX_MSR_INDICES = 1024;

  private final FileDescriptor device;
  private final int vcpuMmapSizeBytes;

  private Kvm(FileDescriptor device, int vcpuMmapSizeBytes) {
    this.device = device;
    this.vcpuMmapSizeBytes = vcpuMmapSizeBytes;
  }

  /**
   * Opens /dev/kvm.
   *
   * @throws NativeException with the remedy when it is missing or not permitted
   * @throws UnsupportedKvmException when its API isn't version 12
   */
  public static Kvm open() {
    int fd = Libc.open(DEVICE, Libc.O_RDWR | Libc.O_CLOEXEC, 0);
    if (fd < 0) {
      throw new NativeException(-fd, "open " + DEVICE, remedy(-fd));
    }
    FileDescriptor device = FileDescriptor.adopt(fd, DEVICE);
    try {
      int version = KvmCall.checked(fd, KvmIoctl.KVM_GET_API_VERSION, "KVM_GET_API_VERSION", 0);
      if (version != API_VERSION) {
        throw new UnsupportedKvmException(
            "%s has API version %d, expected %d: use a current Linux kernel"
                .formatted(DEVICE, version, API_VERSION));
      }
      int mmapSize =
          KvmCall.checked(fd, KvmIoctl.KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE", 0);
      return new Kvm(device, mmapSize);
    } catch (RuntimeException e) {
      device.close();
      throw e;
    }
  }

  /** Why /dev/kvm can't be used here, with the remedy; empty when it can. */
  public static Optional<String> unavailable() {
    try (Kvm kvm = open()) {
      kvm.createVm().close();
      return Optional.empty();
    } catch (NativeException | UnsupportedKvmException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  private static String remedy(int errno) {
    return switch (errno) {
      case Errno.ENOENT ->
          "load kvm_intel or kvm_amd, or enable virtualisation in the firmware or the outer"
              + " hypervisor";
      case Errno.EACCES, Errno.EPERM -> "run as root or as a member of the group kvm";
      case Errno.ENODEV -> "the processor's virtualisation is off or taken by another hypervisor";
      default -> "see the kernel log";
    };
  }

  /** The value of a capability of the host, 0 when it is missing. */
  public int capability(KvmCapability capability) {
    return KvmCall.checked(
        device.number(),
        KvmIoctl.KVM_CHECK_EXTENSION,
        "KVM_CHECK_EXTENSION " + capability,
        capability.number());
  }

  public boolean supports(KvmCapability capability) {
    return capability(capability) > 0;
  }

  /**
   * Refuses a host without these capabilities.
   *
   * @throws UnsupportedKvmException naming each that is missing
   */
  public void require(KvmCapability... capabilities) {
    List<KvmCapability> missing =
        Arrays.stream(capabilities).filter(capability -> !supports(capability)).toList();
    if (!missing.isEmpty()) {
      throw new UnsupportedKvmException(
          "this host's KVM lacks " + missing + ": use Linux 5.18 or later");
    }
  }

  /** Size in bytes of the mapping of a vCPU's descriptor that holds struct kvm_run. */
  int vcpuMmapSizeBytes() {
    return vcpuMmapSizeBytes;
  }

  /** Creates an empty VM without memory, vCPUs or interrupt controllers. */
  public KvmVm createVm() {
    int fd = KvmCall.checked(device.number(), KvmIoctl.KVM_CREATE_VM, "KVM_CREATE_VM", 0);
    return new KvmVm(this, FileDescriptor.adopt(fd, "KVM VM"));
  }

  /** The CPUID leaves that this host's KVM can give to a guest. */
  public List<CpuidEntry> supportedCpuid() {
    return CpuidEntry.read(
        device.number(), KvmIoctl.KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID");
  }

  /** The MSRs that make up a guest's state on this host (KVM_GET_MSR_INDEX_LIST). */
  public int[] msrIndices() {
    return msrIndices(KvmIoctl.KVM_GET_MSR_INDEX_LIST, "KVM_GET_MSR_INDEX_LIST");
  }

  /** The MSRs that describe what the host supports (KVM_GET_MSR_FEATURE_INDEX_LIST). */
  public int[] featureMsrIndices() {
    return msrIndices(KvmIoctl.KVM_GET_MSR_FEATURE_INDEX_LIST, "KVM_GET_MSR_FEATURE_INDEX_LIST");
  }

  /** The value of a feature MSR, empty when the host doesn't know it. */
  public Optional<Long> featureMsr(int index) {
    try (MsrBatch batch = MsrBatch.of(index)) {
      return batch.read(device) == 1 ? Optional.of(batch.value(0)) : Optional.empty();
    }
  }

  private int[] msrIndices(long request, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment list = arena.allocate(4 + 4L * MAX_MSR_INDICES, 8);
      list.set(JAVA_INT, 0, MAX_MSR_INDICES);
      KvmCall.checked(device.number(), request, name, list);
      int count = Math.min(list.get(JAVA_INT, 0), MAX_MSR_INDICES);
      return list.asSlice(4, 4L * count).toArray(JAVA_INT);
    }
  }

  @Override
  public void close() {
    device.close();
  }
}
