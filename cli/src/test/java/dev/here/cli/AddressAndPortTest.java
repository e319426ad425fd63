package dev.here.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class AddressAndPortTest {
  @Test
  void takesThePortAfterTheLastColon() {
    assertThat(new AddressAndPort().convert("127.0.0.1:7700").getPort()).isEqualTo(7700);
    assertThat(new AddressAndPort().convert("::1:80")).isEqualTo(new InetSocketAddress("::1", 80));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "host", "host:", ":80", "host:65536", "host:123456", "host:-1"})
  void refusesWhatIsNotOne(String text) {
    assertThatThrownBy(() -> new AddressAndPort().convert(text))
        .isInstanceOf(TypeConversionException.class)
        .hasMessageContaining("ADDRESS:PORT");
  }
}
