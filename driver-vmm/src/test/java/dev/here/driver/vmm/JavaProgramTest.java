package dev.here.driver.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JavaProgramTest {
  @TempDir Path folder;

  @Test
  void anArchiveIsUsedWhereThereIsOne() throws Exception {
    assertThat(JavaProgram.startup("vmm", null, null)).isEmpty();
    assertThat(JavaProgram.startup("vmm", folder.toString(), null)).isEmpty();
    Path archive = Files.createFile(folder.resolve("vmm.aot"));
    assertThat(JavaProgram.startup("vmm", folder.toString(), null))
        .containsExactly("-XX:AOTCache=" + archive);
    assertThat(JavaProgram.startup("keeper", folder.toString(), null)).isEmpty();
  }

  @Test
  void eachRecordedProcessHasARecordOfItsOwn() {
    assertThat(JavaProgram.startup("one", null, "/records"))
        .containsExactly("-XX:AOTMode=record", "-XX:AOTConfiguration=/records/one-1.aotconf");
    assertThat(JavaProgram.startup("one", null, "/records"))
        .containsExactly("-XX:AOTMode=record", "-XX:AOTConfiguration=/records/one-2.aotconf");
  }

  @Test
  void furtherOptionsAreWordsOfTheEnvironment() {
    assertThat(JavaProgram.further(null)).isEmpty();
    assertThat(JavaProgram.further(" ")).isEmpty();
    assertThat(JavaProgram.further(" -Xint  -XX:UseSSE=2"))
        .containsExactly("-Xint", "-XX:UseSSE=2");
  }
}
