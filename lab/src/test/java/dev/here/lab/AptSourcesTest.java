package dev.here.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AptSourcesTest {
  private static final String STANZAS =
      """
      Types: deb deb-src
      # a comment
      URIs: http://mirror.example/debian
      Suites: bookworm bookworm-updates
      Components: main contrib
      Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

      Types: deb
      URIs: http://mirror.example/security
      Suites: bookworm-security
      Components: main

      Types: deb
      URIs: https://other.example/node
      Suites: nodistro
      Components: main

      Types: deb
      Enabled: no
      URIs: https://off.example/debian
      Suites: bookworm
      Components: main
      """;

  @Test
  void takesDebiansSuitesFromStanzas() {
    assertThat(AptSources.fromStanzas(STANZAS))
        .containsExactly(
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
                + " http://mirror.example/debian bookworm main",
            "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
                + " http://mirror.example/debian bookworm-updates main",
            "deb http://mirror.example/security bookworm-security main");
  }

  @Test
  void takesOneLineStyleAndMapsOtherReleasesToTheLabs() {
    assertThat(
            AptSources.fromOneLineStyle(
                """
                # deb http://commented.example/debian bookworm main
                deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian trixie main contrib
                deb-src http://mirror.example/debian trixie main
                deb https://packages.example/apt cloud-sdk-bookworm main
                deb https://docker.example/linux bookworm stable
                """))
        .containsExactly("deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main");
  }

  @Test
  void refusesAMachineWithoutDebian(@TempDir Path apt) throws IOException {
    Files.writeString(apt.resolve("sources.list"), "deb http://u.example/ubuntu noble main\n");
    assertThatThrownBy(() -> AptSources.debianLines(apt))
        .isInstanceOf(LabException.class)
        .hasMessageContaining("no Debian archive");
  }

  @Test
  void readsBothKindsOfFiles(@TempDir Path apt) throws IOException {
    Files.createDirectory(apt.resolve("sources.list.d"));
    Files.writeString(apt.resolve("sources.list"), "deb http://a.example/debian bookworm main\n");
    Files.writeString(apt.resolve("sources.list.d/debian.sources"), STANZAS);
    assertThat(AptSources.debianLines(apt)).hasSize(4).first().asString().contains("a.example");
  }
}
