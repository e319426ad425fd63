package dev.here.formats.qemu;

import java.io.IOException;
import org.junit.jupiter.api.Test;

class VmStateReaderTest {
  @Test
  void decodesEverySectionOfARealState() throws IOException {
    MigrationStream stream = Golden.read(Golden.stream("tcg-virtio"));
    VmState state = VmStateReader.read(stream.schema().orElseThrow(), stream.deviceState());
    System.out.println(VmStateText.of(state));
  }
}
