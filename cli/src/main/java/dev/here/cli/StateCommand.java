package dev.here.cli;

import dev.here.formats.qemu.QemuCaptureInstant;
import dev.here.formats.qemu.QemuMigrationFile;
import dev.here.formats.state.CheckpointFile;
import dev.here.formats.state.MachineStateCodec;
import dev.here.formats.state.StateDiff;
import dev.here.formats.state.StateText;
import dev.here.formats.xen.XenDomainImage;
import dev.here.formats.xen.XenStreamReader;
import dev.here.formats.xen.XenStreamText;
import dev.here.machine.LostField;
import dev.here.machine.MemoryRegion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows and compares checkpoint files. */
@Command(name = "state", description = "Shows and compares machine states in checkpoint files.")
final class StateCommand implements Runnable {
  private static final long MAX_MEMORY_BYTES = 64L << 30;

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  @Command(description = "Shows a machine state and what its translation left behind.")
  int show(
      @Parameters(paramLabel = "FILE") Path file,
      @Option(names = "--json", description = "One JSON object.") boolean json)
      throws IOException {
    try (CheckpointFile checkpoint = new CheckpointFile(file)) {
      var out = spec.commandLine().getOut();
      if (json) {
        out.println(MachineStateCodec.text(MachineStateCodec.encode(checkpoint.state())));
        return 0;
      }
      out.print(StateText.render(MachineStateCodec.tree(checkpoint.state())));
      out.println("memory in this file: " + (checkpoint.hasMemory() ? "yes" : "no"));
      List<LostField> lost = checkpoint.report().lost();
      out.println(
          lost.isEmpty() ? "lost in translation: nothing" : "lost in translation: " + lost.size());
      for (LostField field : lost) {
        out.printf("  %s = %s: %s%n", field.path(), field.value(), field.reason());
      }
      out.flush();
      return 0;
    }
  }

  @Command(
      description = "Lists what differs between two machine states; exit code 1 if anything does.")
  int diff(
      @Parameters(paramLabel = "A") Path before,
      @Parameters(paramLabel = "B") Path after,
      @Option(names = "--json", description = "One JSON object a line.") boolean json)
      throws IOException {
    try (CheckpointFile first = new CheckpointFile(before);
        CheckpointFile second = new CheckpointFile(after)) {
      var differences =
          StateDiff.between(
              MachineStateCodec.tree(first.state()), MachineStateCodec.tree(second.state()));
      var out = spec.commandLine().getOut();
      for (StateDiff.Difference difference : differences) {
        out.println(
            json
                ? MachineStateCodec.tree(difference).toString()
                : "%s: %s -> %s"
                    .formatted(difference.path(), difference.before(), difference.after()));
      }
      out.flush();
      return differences.isEmpty() ? 0 : 1;
    }
  }

  @Command(
      name = "import-qemu",
      description = "Turns a guest that QEMU's monitor saved (migrate) into a checkpoint file.")
  int importQemu(
      @Parameters(paramLabel = "FILE", description = "What migrate \"exec:cat > FILE\" wrote.")
          Path file,
      @Parameters(paramLabel = "CHECKPOINT", description = "The file to write.") Path checkpoint,
      @Option(
              names = "--mtree",
              required = true,
              paramLabel = "FILE",
              description = "The text of 'info mtree -f'.")
          Path memoryTree,
      @Option(
              names = "--pci",
              required = true,
              paramLabel = "FILE",
              description = "The answer of QMP's query-pci.")
          Path pci,
      @Option(
              names = "--cpuid",
              required = true,
              paramLabel = "FILE",
              description =
                  "What the guest's vCPUs read with CPUID: lines of vCPU, leaf, subleaf, EAX, EBX,"
                      + " ECX, EDX in hexadecimal.")
          Path cpuid,
      @Option(names = "--name", defaultValue = "imported", description = "The VM's name.")
          String name)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      var guest = QemuMigrationFile.read(file, arena, MAX_MEMORY_BYTES);
      long savedNanos = Files.getLastModifiedTime(file).to(TimeUnit.NANOSECONDS);
      var translation =
          guest.translate(
              name,
              Files.readString(memoryTree),
              Files.readString(pci),
              Files.readString(cpuid),
              new QemuCaptureInstant(savedNanos, 0));
      CheckpointFile.write(checkpoint, translation.state(), translation.report(), guest.memory());
      return 0;
    }
  }

  @Command(
      name = "xen-stream",
      description = "Lists the records of what 'xl save' wrote, or of a libxl or libxc stream.")
  int xenStream(
      @Parameters(paramLabel = "FILE") Path file,
      @Option(names = "--json", description = "One JSON object a line.") boolean json)
      throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      var out = spec.commandLine().getOut();
      var reader = new XenStreamReader(channel);
      for (var item = reader.next(); item.isPresent(); item = reader.next()) {
        long position = reader.itemPosition();
        List<String> lines =
            json
                ? XenStreamText.json(position, item.get())
                : XenStreamText.text(position, item.get());
        lines.forEach(out::println);
      }
      out.flush();
      return 0;
    }
  }

  @Command(
      name = "export-xen",
      description =
          "Turns a checkpoint of a guest that Xen had started into a file for 'xl restore'; tells what"
              + " the guest loses.")
  int exportXen(
      @Parameters(paramLabel = "CHECKPOINT") Path file,
      @Parameters(paramLabel = "FILE", description = "The file to write; it must not exist.")
          Path saved)
      throws IOException {
    try (CheckpointFile checkpoint = new CheckpointFile(file);
        Arena arena = Arena.ofShared()) {
      XenDomainImage image = XenDomainImage.of(checkpoint.state());
      long size = checkpoint.state().memory().backingSizeBytes();
      if (!checkpoint.hasMemory() || size > MAX_MEMORY_BYTES) {
        throw new IllegalArgumentException(
            "%s has no memory that can be exported (%d octets)".formatted(file, size));
      }
      MemorySegment memory = arena.allocate(size, MemoryRegion.PAGE_BYTES);
      checkpoint.readMemory(memory);
      try (FileChannel channel =
          FileChannel.open(
              saved,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        image.write(channel, memory);
      }
      var out = spec.commandLine().getOut();
      for (LostField field : image.report().lost()) {
        out.printf("lost: %s = %s: %s%n", field.path(), field.value(), field.reason());
      }
      out.flush();
      return 0;
    }
  }
}
