package dev.here.driver.vmm;

import dev.here.ffi.FileDescriptor;
import dev.here.ffi.MappedMemory;
import dev.here.ffi.MemFile;
import dev.here.formats.control.ControlMessage;
import dev.here.hypervisor.HypervisorException;
import dev.here.machine.DirtySet;
import dev.here.machine.MemoryMap;
import java.lang.foreign.MemorySegment;

/** What a VMM shares with its controller: guest memory and the set of dirty pages, mapped here. */
final class SharedMachine implements AutoCloseable {
  private static final long PAGE_BYTES = 4096;

  private final MemoryMap map;
  private final String hypervisor;
  private final MappedMemory memory;
  private final MappedMemory dirtyMapping;
  private final DirtySet dirty;

  private SharedMachine(
      MemoryMap map, String hypervisor, MappedMemory memory, MappedMemory dirtyMapping) {
    this.map = map;
    this.hypervisor = hypervisor;
    this.memory = memory;
    this.dirtyMapping = dirtyMapping;
    this.dirty = DirtySet.over(dirtyMapping.segment(), map.pageCount());
  }

  /**
   * Asks {@code control} for a machine and maps what comes.
   *
   * @param request Prepare or Attach
   */
  static SharedMachine of(VmmControl control, ControlMessage.Request request) {
    VmmControl.Reply reply = control.ask(request, -1);
    try {
      ControlMessage.Ready ready = control.expect(reply.message(), ControlMessage.Ready.class);
      if (reply.descriptors().size() != 2) {
        throw new HypervisorException(
            "the VMM sent %d descriptors, 2 were due".formatted(reply.descriptors().size()));
      }
      return map(ready, reply.descriptors().getFirst(), reply.descriptors().getLast());
    } finally {
      reply.descriptors().forEach(FileDescriptor::close);
    }
  }

  private static SharedMachine map(
      ControlMessage.Ready ready, FileDescriptor memoryFile, FileDescriptor dirtyFile) {
    long dirtyBytes = DirtySet.wordBytes(ready.memory().pageCount());
    long dirtyFileBytes = (dirtyBytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    MemFile.requireSealed(memoryFile, ready.memory().backingSizeBytes());
    MemFile.requireSealed(dirtyFile, dirtyFileBytes);
    MappedMemory memory = MappedMemory.shared(memoryFile, 0, ready.memory().backingSizeBytes());
    try {
      return new SharedMachine(
          ready.memory(),
          ready.hypervisor(),
          memory,
          MappedMemory.shared(dirtyFile, 0, dirtyFileBytes));
    } catch (RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  MemoryMap map() {
    return map;
  }

  String hypervisor() {
    return hypervisor;
  }

  MemorySegment memory() {
    return memory.segment();
  }

  /** As the VMM last wrote it. */
  DirtySet dirty() {
    return dirty;
  }

  @Override
  public void close() {
    memory.close();
    dirtyMapping.close();
  }
}
