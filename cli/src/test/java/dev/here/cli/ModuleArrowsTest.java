package dev.here.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Holds the arrows of ARCHITECTURE.md: which module may use which, and where native code may stand.
 */
class ModuleArrowsTest {
  private static final List<String> MODULES =
      List.of(
          "machine",
          "ffi",
          "kvm",
          "formats",
          "hypervisor",
          "vmm",
          "net",
          "driver.vmm",
          "driver.qemu",
          "driver.xen",
          "replication",
          "host",
          "lab",
          "cli");

  private static final Map<String, List<String>> MAY_USE =
      Map.ofEntries(
          Map.entry("machine", List.of()),
          Map.entry("ffi", List.of()),
          Map.entry("kvm", List.of("ffi")),
          Map.entry("formats", List.of("machine")),
          Map.entry("hypervisor", List.of("machine")),
          Map.entry("vmm", List.of("kvm", "ffi", "machine", "formats", "net")),
          Map.entry("net", List.of("ffi", "machine")),
          Map.entry("driver.vmm", List.of("formats", "hypervisor", "ffi", "machine")),
          Map.entry("driver.qemu", List.of("formats", "hypervisor", "ffi", "machine")),
          // A domain's device model is a QEMU, spoken to in the same way.
          Map.entry(
              "driver.xen", List.of("formats", "hypervisor", "ffi", "machine", "driver.qemu")),
          Map.entry("replication", List.of("machine", "formats", "hypervisor")),
          Map.entry("lab", List.of("ffi")));

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.here");

  @Test
  void modulesUseOnlyWhatTheyMay() {
    MAY_USE.forEach((module, allowed) -> {
      String[] forbidden =
          MODULES.stream()
              .filter(other -> !other.equals(module) && !allowed.contains(other))
              .map(other -> "dev.here." + other + "..")
              .toArray(String[]::new);
      noClasses()
          .that()
          .resideInAPackage("dev.here." + module + "..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(forbidden)
          .allowEmptyShould(true)
          .check(CLASSES);
    });
  }

  @Test
  void onlyFfiLinksNatively() {
    noClasses()
        .that()
        .resideOutsideOfPackages("dev.here.ffi..")
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.lang.foreign.Linker")
        .check(CLASSES);
  }

  @Test
  void theProtocolOfReplicationKnowsNoHypervisorStream() {
    noClasses()
        .that()
        .resideInAPackage("dev.here.replication..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("dev.here.formats.qemu..")
        .allowEmptyShould(true)
        .check(CLASSES);
  }
}
