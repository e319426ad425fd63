package dev.here.driver.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class TranslationWarmUpTest {
  @Test
  void theSampleIsTranslatedToTheEnd() throws IOException {
    assertThat(TranslationWarmUp.run()).isGreaterThan(10_000);
  }
}
