package dev.here.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How virtual hosts run: by hardware KVM that can nest, or emulated. */
public enum Acceleration {
  /** Hardware KVM with nesting. */
  KVM(List.of("-accel", "kvm")),
  /** QEMU's translator, which emulates AMD's SVM with nested paging. */
  TCG(List.of("-accel", "tcg,thread=multi,tb-size=512"));

  private final List<String> options;

  Acceleration(List<String> options) {
    this.options = options;
  }

  /** QEMU's options for a host of this role. */
  List<String> options(HostRole role) {
    List<String> all = new ArrayList<>(options);
    all.addAll(List.of("-cpu", this == KVM ? "host" : role.emulatedCpu()));
    return all;
  }

  /** What this machine can do. */
  public static Acceleration ofThisMachine() {
    return Files.isWritable(Path.of("/dev/kvm")) && (nests("kvm_amd") || nests("kvm_intel"))
        ? KVM
        : TCG;
  }

  private static boolean nests(String module) {
    Path parameter = Path.of("/sys/module", module, "parameters", "nested");
    try {
      String value = Files.isReadable(parameter) ? Files.readString(parameter).strip() : "";
      return value.equals("1") || value.equals("Y");
    } catch (IOException e) {
      return false;
    }
  }
}
