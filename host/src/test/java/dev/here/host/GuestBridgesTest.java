package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GuestBridgesTest {
  @Test
  void aCardJoinsTheBridgeForItsOwnOrTheUsualOne() {
    GuestBridges bridges = GuestBridges.parse(List.of("vmbr1=br1", "br0", "vmbr2=br0"));
    assertThat(bridges).isEqualTo(new GuestBridges("br0", Map.of("vmbr1", "br1", "vmbr2", "br0")));
    assertThat(bridges.of("vmbr1")).contains("br1");
    assertThat(bridges.of("vmbr3")).contains("br0");
    assertThat(bridges.of("")).contains("br0");
  }

  @Test
  void withoutAUsualOneOnlyWhatIsNamedHasABridge() {
    GuestBridges bridges = GuestBridges.parse(List.of("vmbr1=br1"));
    assertThat(bridges.none()).isFalse();
    assertThat(bridges.of("vmbr1")).contains("br1");
    assertThat(bridges.of("vmbr2")).isEmpty();
    assertThat(bridges.of("")).isEmpty();
    assertThat(GuestBridges.parse(List.of()).none()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "=", "=br0", "vmbr1="})
  void whatNamesNoBridgeIsRefused(String word) {
    assertThatThrownBy(() -> GuestBridges.parse(List.of(word)))
        .isInstanceOf(HostException.class)
        .hasMessageContaining("'" + word + "' names no bridge");
  }

  @Test
  void twoBridgesForTheSameCardsAreRefused() {
    assertThatThrownBy(() -> GuestBridges.parse(List.of("br0", "br1")))
        .isInstanceOf(HostException.class)
        .hasMessage("cards of all bridges cannot join both bridge br0 and bridge br1");
    assertThatThrownBy(() -> GuestBridges.parse(List.of("vmbr1=br0", "vmbr1=br1")))
        .isInstanceOf(HostException.class)
        .hasMessage("cards of bridge vmbr1 cannot join both bridge br0 and bridge br1");
  }
}
