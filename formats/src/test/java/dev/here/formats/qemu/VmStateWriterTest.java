package dev.here.formats.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VmStateWriterTest {
  @ParameterizedTest
  @ValueSource(strings = {"hvm-1cpu", "hvm-2cpu"})
  void whatXensDeviceModelSavedIsWrittenBackToTheSameOctets(String name) throws IOException {
    byte[] saved;
    try (InputStream file =
        VmStateWriterTest.class.getResourceAsStream(
            "/dev/here/formats/xen/" + name + ".dmstate.gz")) {
      assertThat(file).isNotNull();
      saved = new GZIPInputStream(file).readAllBytes();
    }
    assertThat(VmStateWriter.writeDevices(VmStateReader.readDevices(saved))).isEqualTo(saved);
  }
}
