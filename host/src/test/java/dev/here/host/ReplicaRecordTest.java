package dev.here.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicaRecordTest {
  @TempDir private Path replicas;

  private static final ProcessMark GONE = new ProcessMark(1, "never", 1);

  @Test
  void tapsThatWereRemovedAreForgotten() throws Exception {
    Path folder = Files.createDirectories(replicas.resolve("session"));
    // Longer than an interface's name can be.
    ReplicaRecord record =
        new ReplicaRecord("vm1", GONE, List.of("no-interface-has-this-name"), true);
    record.write(folder);
    record.releaseTaps(folder);
    assertThat(ReplicaRecord.read(folder))
        .isEqualTo(new ReplicaRecord("vm1", GONE, List.of(), true));
  }

  @Test
  void whatEndedIsClearedAndWhatRunsIsNot() throws Exception {
    Path ended = Files.createDirectories(replicas.resolve("ended"));
    new ReplicaRecord("vm1", GONE, List.of(), true).write(ended);
    Path running = Files.createDirectories(replicas.resolve("running"));
    new ReplicaRecord("vm2", ProcessMark.of(ProcessHandle.current()), List.of(), true)
        .write(running);
    assertThat(ReplicaRecord.clear(replicas)).containsExactly(running);
    assertThat(ended).doesNotExist();
    assertThat(running).exists();
  }

  @Test
  void oneThatIsNotUnderstoodHidesNoOther() throws Exception {
    for (String name : List.of("a", "z")) {
      Files.writeString(
          Files.createDirectories(replicas.resolve(name)).resolve("replica.json"), "{}");
    }
    Path running = Files.createDirectories(replicas.resolve("running"));
    new ReplicaRecord("vm2", ProcessMark.of(ProcessHandle.current()), List.of(), true)
        .write(running);
    assertThat(ReplicaRecord.clear(replicas)).containsExactly(running);
  }
}
