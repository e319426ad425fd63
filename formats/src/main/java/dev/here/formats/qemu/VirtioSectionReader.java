package dev.here.formats.qemu;

final class VirtioSectionReader {
  private final StateCursor in;

  VirtioSectionReader(StateCursor in, VmStateReader reader) {
    this.in = in;
  }

  VmStruct read(VmStruct section) {
    throw in.refused(section.path() + " is virtio");
  }
}
