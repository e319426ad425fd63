package dev.here.cli;

import dev.here.host.ApiClient;
import dev.here.host.GuestBridges;
import dev.here.host.Hered;
import dev.here.host.HostConfig;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a host's daemon in the foreground. */
@Command(
    name = "hered",
    description = "Runs this host's daemon (in the foreground; ends on SIGTERM).")
final class HeredCommand implements Callable<Integer> {
  @Option(
      names = "--name",
      description = "This host's name towards the others; its host name unless given.")
  private @Nullable String name;

  @Option(
      names = "--listen",
      defaultValue = "127.0.0.1:7700",
      description = "Where peers connect (${DEFAULT-VALUE}).")
  private @Nullable InetSocketAddress listen;

  @Option(
      names = "--peer",
      paramLabel = "NAME=ADDRESS:PORT",
      description = "Another host; may be repeated.")
  private Map<String, InetSocketAddress> peers = new HashMap<>();

  @Option(
      names = "--witness",
      defaultValue = "",
      description =
          "The third party: ADDRESS:PORT[,ADDRESS:PORT..]; without one nothing is promoted.")
  private String witness = "";

  @Option(names = "--token-file", required = true, description = "The secret that all peers share.")
  private Path tokenFile = Path.of("");

  @Option(
      names = "--api",
      description = "The API's socket (${DEFAULT-VALUE}).",
      defaultValue = "/run/here/hered.sock")
  private Path api = ApiClient.DEFAULT_SOCKET;

  @Option(
      names = "--run-folder",
      description = "Sockets, orders and logs (${DEFAULT-VALUE}).",
      defaultValue = "/run/here")
  private Path runFolder = Path.of("");

  @Option(
      names = "--bridge",
      paramLabel = "[SOURCE=]BRIDGE",
      description = {
        "Bridge here that a card of a guest joins after take-over: all cards, or those that are",
        "in bridge SOURCE at the guest's own host; may be repeated."
      })
  private List<String> bridges = List.of();

  @Option(
      names = "--disk-folder",
      description = "Where disks of replicas may lie; may be repeated.")
  private List<Path> diskFolders = List.of();

  @Option(
      names = "--spares",
      defaultValue = "1",
      paramLabel = "N",
      description = "VMM processes kept ready for replicas of other hosts' VMs (${DEFAULT-VALUE}).")
  private int spares;

  @Option(
      names = "--suspect-after",
      defaultValue = "600",
      paramLabel = "MS",
      description = "How long a hypervisor or a peer may be silent (${DEFAULT-VALUE}).")
  private long suspectAfterMillis;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws InterruptedException, UnknownHostException {
    Hered.serve(
        new HostConfig(
            name == null ? InetAddress.getLocalHost().getHostName() : name,
            api,
            runFolder,
            Objects.requireNonNull(listen),
            peers,
            witness,
            tokenFile,
            GuestBridges.parse(bridges),
            diskFolders,
            spares,
            Duration.ofMillis(suspectAfterMillis)));
    return 0;
  }
}
