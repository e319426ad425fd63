package dev.here.vmm;

import dev.here.machine.MachineState;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * What a VMM process is started with.
 *
 * @param control socket for controllers
 * @param boot what to boot, when it boots by itself
 * @param restore checkpoint file to continue
 * @param memoryMib RAM of a booted machine, MiB
 * @param vcpus of a booted machine
 * @param disks for the virtio disks, by rising PCI address
 * @param nics for the virtio network devices, by rising PCI address
 * @param console where the first serial port leads
 * @param debugExitPort port on which a booted test guest ends itself with a status
 */
record VmmOptions(
    Optional<Path> control,
    Optional<Boot> boot,
    Optional<Path> restore,
    int memoryMib,
    int vcpus,
    List<Disk> disks,
    List<Nic> nics,
    Console console,
    Optional<Integer> debugExitPort) {

  /** An image to boot. */
  record Boot(Path kernel, Optional<Path> initrd, String commandLine) {}

  /** A raw image or block device. */
  record Disk(String path, boolean readOnly) {}

  /**
   * A TAP device; the MAC counts for booted machines only.
   *
   * @param queues of the TAP that are opened; a booted machine's device has as many queue pairs
   */
  record Nic(String tap, Optional<String> mac, int queues) {}

  /** Where a console leads. */
  record Console(Kind kind, String path) {
    enum Kind {
      NONE,
      STDIO,
      FILE,
      SOCKET
    }
  }

  /** The only option of a process that is started before it is known what for. */
  static final String SPARE = "--spare";

  static final String USAGE =
      """
      --control SOCKET      listen for controllers
      --kernel FILE         boot a bzImage, an ELF image with PVH entry or a multiboot image
      --initrd FILE  --append TEXT  --memory MIB  --vcpus N
      --restore FILE        continue a checkpoint
      --disk FILE[,readonly]  --nic tap=NAME[,mac=MAC][,queues=N]
                            in the order of the guest's devices; a TAP that was made with several
                            queues needs queues=2 or more, at most 8
      --console none|stdio|file=PATH|socket=PATH
      --debug-exit PORT     a write to this port ends a booted guest with a status
      --spare               alone: gets ready, then reads the other options from standard input,
                            one word a line to its end, and goes on with them
      """;

  /**
   * Reads a command line.
   *
   * @throws VmmException naming the word that is wrong
   */
  static VmmOptions parse(String... words) {
    return new Parser(words).options();
  }

  /** Of a machine without anything of its host's. */
  static VmmOptions idle() {
    return new VmmOptions(
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        1,
        1,
        List.of(),
        List.of(),
        new Console(Console.Kind.NONE, ""),
        Optional.empty());
  }

  private static final class Parser {
    private final Deque<String> words;
    private Optional<Path> control = Optional.empty();
    private Optional<Path> kernel = Optional.empty();
    private Optional<Path> initrd = Optional.empty();
    private Optional<Path> restore = Optional.empty();
    private String append = "";
    private int memoryMib = 256;
    private int vcpus = 1;
    private final List<Disk> disks = new ArrayList<>();
    private final List<Nic> nics = new ArrayList<>();
    private Console console = new Console(Console.Kind.NONE, "");
    private Optional<Integer> debugExitPort = Optional.empty();

    Parser(String... words) {
      this.words = new ArrayDeque<>(Arrays.asList(words));
    }

    VmmOptions options() {
      while (!words.isEmpty()) {
        String option = words.pop();
        switch (option) {
          case "--control" -> control = Optional.of(Path.of(value(option)));
          case "--kernel" -> kernel = Optional.of(Path.of(value(option)));
          case "--initrd" -> initrd = Optional.of(Path.of(value(option)));
          case "--restore" -> restore = Optional.of(Path.of(value(option)));
          case "--append" -> append = value(option);
          case "--memory" -> memoryMib = number(option, 8, 1 << 20);
          case "--vcpus" -> vcpus = number(option, 1, 8);
          case "--disk" -> disks.add(disk(value(option)));
          case "--nic" -> nics.add(nic(value(option)));
          case "--console" -> console = console(value(option));
          case "--debug-exit" -> debugExitPort = Optional.of(number(option, 0, 0xffff));
          default -> throw new VmmException("unknown option " + option + "; options are\n" + USAGE);
        }
      }
      if (kernel.isPresent() && restore.isPresent()) {
        throw new VmmException("--kernel and --restore exclude each other");
      }
      if (kernel.isEmpty() && restore.isEmpty() && control.isEmpty()) {
        throw new VmmException("nothing to do: give --kernel, --restore or --control\n" + USAGE);
      }
      return new VmmOptions(
          control,
          kernel.map(image -> new Boot(image, initrd, append)),
          restore,
          memoryMib,
          vcpus,
          List.copyOf(disks),
          List.copyOf(nics),
          console,
          debugExitPort);
    }

    private String value(String option) {
      if (words.isEmpty()) {
        throw new VmmException(option + " needs a value");
      }
      return words.pop();
    }

    private int number(String option, int min, int max) {
      return number(option, value(option), min, max);
    }

    private static int number(String option, String text, int min, int max) {
      try {
        int number = Integer.decode(text);
        if (number >= min && number <= max) {
          return number;
        }
      } catch (NumberFormatException e) {
        throw new VmmException(option + " is " + text + ", must be a number", e);
      }
      throw new VmmException("%s is %s, must be %d to %d".formatted(option, text, min, max));
    }

    private static Disk disk(String text) {
      String suffix = ",readonly";
      return text.endsWith(suffix)
          ? new Disk(text.substring(0, text.length() - suffix.length()), true)
          : new Disk(text, false);
    }

    private static Nic nic(String text) {
      Optional<String> tap = Optional.empty();
      Optional<String> mac = Optional.empty();
      int queues = 1;
      for (String part : text.split(",", -1)) {
        if (part.startsWith("tap=")) {
          tap = Optional.of(part.substring(4));
        } else if (part.startsWith("mac=")) {
          mac = Optional.of(part.substring(4));
        } else if (part.startsWith("queues=")) {
          queues = number("--nic queues", part.substring(7), 1, MachineState.MAX_VCPUS);
        } else {
          throw new VmmException(
              "--nic " + text + ": " + part + " is not tap=NAME, mac=MAC or queues=N");
        }
      }
      if (tap.isEmpty()) {
        throw new VmmException("--nic " + text + " names no tap=NAME");
      }
      return new Nic(tap.get(), mac, queues);
    }

    private static Console console(String text) {
      return switch (text) {
        case "none" -> new Console(Console.Kind.NONE, "");
        case "stdio" -> new Console(Console.Kind.STDIO, "");
        default -> {
          if (text.startsWith("file=")) {
            yield new Console(Console.Kind.FILE, text.substring(5));
          }
          if (text.startsWith("socket=")) {
            yield new Console(Console.Kind.SOCKET, text.substring(7));
          }
          throw new VmmException(
              "--console is " + text + ", must be none, stdio, file=PATH or socket=PATH");
        }
      };
    }
  }
}
