package dev.here.driver.xen;

import static org.assertj.core.api.Assertions.assertThatCode;

import dev.here.hypervisor.HypervisorException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every function that the driver binds is in the library that it names. */
class XenLibrariesTest {
  @ParameterizedTest
  @ValueSource(
      classes = {
        XenControl.class,
        DirtyLog.class,
        XenCpuPolicy.class,
        ForeignMemory.class,
        XenStore.class
      })
  void hasWhatIsBound(Class<?> binding) {
    try {
      XenLibraries.require();
    } catch (HypervisorException e) {
      Assumptions.abort(e.getMessage() + "; apt install libxen-dev brings them");
    }
    assertThatCode(() -> Class.forName(binding.getName(), true, binding.getClassLoader()))
        .doesNotThrowAnyException();
  }
}
