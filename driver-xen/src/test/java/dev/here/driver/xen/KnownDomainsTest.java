package dev.here.driver.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.here.hypervisor.StateRefusedException;
import dev.here.machine.Bytes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KnownDomainsTest {
  private static final Bytes ONE = text("{\"serial\":\"pty\"}");
  private static final Bytes OTHER = text("{\"serial\":\"file:/etc/passwd\"}");

  @TempDir Path temporary;

  private static Bytes text(String json) {
    return Bytes.of(json.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void onlyTheSameConfigurationIsTakenBack() throws Exception {
    var known = new KnownDomains(temporary.resolve("xen"));
    assertThatThrownBy(() -> known.require("demo", ONE))
        .isInstanceOf(StateRefusedException.class)
        .hasMessageContaining("demo.json");
    known.remember("demo", ONE);
    assertThatCode(() -> known.require("demo", ONE)).doesNotThrowAnyException();
    assertThatThrownBy(() -> known.require("demo", OTHER))
        .isInstanceOf(StateRefusedException.class);
    known.remember("demo", OTHER);
    assertThatThrownBy(() -> known.require("demo", ONE)).isInstanceOf(StateRefusedException.class);
    try (var files = Files.list(known.folder())) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void aNameLeadsNowhereElse() {
    var known = new KnownDomains(temporary);
    for (String name : new String[] {"", "../demo", "a/b", ".x"}) {
      assertThatThrownBy(() -> known.require(name, ONE))
          .isInstanceOf(StateRefusedException.class)
          .hasMessageContaining("cannot be kept");
    }
  }
}
