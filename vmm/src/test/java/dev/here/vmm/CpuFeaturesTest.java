package dev.here.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.here.machine.CpuidLeaf;
import java.util.List;
import org.junit.jupiter.api.Test;

class CpuFeaturesTest {
  private static final int AVX2 = 1 << 5;
  private static final int SMEP = 1 << 7;
  private static final int ERMS = 1 << 9;
  private static final int SHA = 1 << 29;
  private static final int KVM = 0x4b4d564b;
  private static final int STEAL_TIME = 1 << 5;

  private static CpuidLeaf structured(int ebx) {
    return new CpuidLeaf(7, 0, true, 0, ebx, 0, 0);
  }

  private static CpuidLeaf hypervisor(int name) {
    return new CpuidLeaf(0x40000000, 0, false, 0x40000001, name, 0, 0);
  }

  private static CpuidLeaf hypervisorFeatures(int eax) {
    return new CpuidLeaf(0x40000001, 0, false, eax, 0, 0, 0);
  }

  @Test
  void namesWhatIsMissing() {
    assertThat(
            CpuFeatures.missing(
                List.of(structured(AVX2 | SMEP | SHA)), List.of(structured(SMEP | ERMS))))
        .containsExactly("avx2", "sha-ni");
  }

  @Test
  void aLeafThatTheHostHasNotIsNoFeature() {
    assertThat(CpuFeatures.missing(List.of(structured(SHA)), List.of())).containsExactly("sha-ni");
    assertThat(CpuFeatures.missing(List.of(), List.of(structured(SHA)))).isEmpty();
  }

  @Test
  void aSubleafIsNotTakenForAnother() {
    CpuidLeaf next = new CpuidLeaf(7, 1, true, 0, SHA, 0, 0);
    assertThat(CpuFeatures.missing(List.of(structured(SHA), next), List.of(next)))
        .containsExactly("sha-ni");
  }

  @Test
  void hintsAndWhatHypervisorsAddAreNotCompared() {
    CpuidLeaf shown = new CpuidLeaf(1, 0, false, 0, 0, 1 << 31 | 1 << 27 | 1 << 24, 1 << 28);
    assertThat(CpuFeatures.missing(List.of(shown, structured(ERMS)), List.of())).isEmpty();
  }

  @Test
  void anotherHypervisorsFeaturesAreNotTakenForKvms() {
    List<CpuidLeaf> ofKvm = List.of(hypervisor(KVM), hypervisorFeatures(STEAL_TIME));
    List<CpuidLeaf> ofXen = List.of(hypervisor(0x566e6558), hypervisorFeatures(STEAL_TIME));
    assertThat(CpuFeatures.missing(ofKvm, List.of())).containsExactly("kvm-steal-time");
    assertThat(CpuFeatures.missing(ofXen, List.of())).isEmpty();
  }
}
