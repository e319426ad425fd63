package dev.here.cli;

import dev.here.bench.Figure;
import dev.here.lab.PageFigures;
import dev.here.lab.StreamFigures;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * How fast a protected Linux guest on a stock QEMU with KVM sends one TCP stream, beside what its
 * buffers and the checkpoints allow, and how long a request for its small web page takes, beside
 * the same guest before it was protected, in the lab (docs/bench.md).
 */
final class LabTrafficBench {
  private static final DemoPair PAIR = DemoPair.QEMU_KVM;
  private static final long INTERVAL_MILLIS = 200;
  private static final int SETTLE_CHECKPOINTS = 60;
  private static final int SETTLE_SECONDS = 240;

  private static final int STREAMS = 3;
  private static final long STREAM_OCTETS = 8 << 20;
  private static final double STREAM_BAR = 0.5;
  private static final double UNPROTECTED_BAR = 1.0 / 3;

  private static final int PAGES = 100;

  /**
   * From none to twice as long between two pages, so that requests come at any time of an epoch.
   */
  private static final long PAGE_PAUSE_MILLIS = INTERVAL_MILLIS;

  /** An answer that is held: the rest of its epoch, the next pause and the commit. */
  private static final double PAGE_BAR_MILLIS = 1000;

  private final DemoRack rack;
  private final DemoScreen screen;
  private final HostApiOverLab primary;

  private LabTrafficBench(DemoRack rack, DemoScreen screen) {
    this.rack = rack;
    this.screen = screen;
    primary = rack.api(PAIR.primary());
  }

  /** Measures both in the lab; some minutes. */
  static List<Figure> measure(DemoScreen screen) {
    return measure(screen, true, true);
  }

  /** Measures the stream alone. */
  static List<Figure> stream(DemoScreen screen) {
    return measure(screen, true, false);
  }

  /** Measures the web page alone. */
  static List<Figure> page(DemoScreen screen) {
    return measure(screen, false, true);
  }

  private static List<Figure> measure(DemoScreen screen, boolean stream, boolean page) {
    try (DemoRack rack = DemoRack.start(PAIR, PAIR.warmHosts(false), 1, false, screen)) {
      return new LabTrafficBench(rack, screen).course(stream, page);
    }
  }

  private List<Figure> course(boolean stream, boolean page) {
    List<StreamFigures> streamsAlone = stream ? streamsAlone() : List.of();
    List<PageFigures> pagesAlone = page ? List.of(pages()) : List.of();
    rack.protect(INTERVAL_MILLIS);
    SettledProtection.await(primary, SETTLE_CHECKPOINTS, SETTLE_SECONDS, screen);
    List<Figure> figures = new ArrayList<>();
    if (stream) {
      figures.addAll(streamFigures(protectedStreams(), streamsAlone));
    }
    pagesAlone.forEach(
        alone -> figures.addAll(pageFigures(MeanEpoch.of(primary, this::pages), alone)));
    return figures;
  }

  // ---- one TCP stream

  /** A stream out of the protected guest, and the checkpoints meanwhile. */
  record ProtectedStream(StreamFigures stream, MeanEpoch epoch) {
    /**
     * Octets that can be on their way at most: what the receiver offered, or what the sender keeps
     * until it is acknowledged. The kernel lets the sender's buffer (sk_sndbuf) grow to twice the
     * congestion window, with each segment's own memory counted in (net/ipv4/tcp_input.c,
     * tcp_sndbuf_expand): half of it is for what is on its way.
     */
    long windowOctets() {
      return Math.min(stream.largest("snd_wnd"), stream.largest("sndbuf") / 2);
    }

    /** One window for each interval and commit. */
    double mostOctetsPerSecond() {
      return windowOctets() * 1e3 / (epoch.intervalMillis() + epoch.commitMillis());
    }

    private double share() {
      return stream.octetsPerSecond() / mostOctetsPerSecond();
    }
  }

  private StreamFigures stream() {
    return rack.lab().throughput(rack.guest().address(), STREAM_OCTETS);
  }

  private List<StreamFigures> streamsAlone() {
    return Stream.generate(this::stream)
        .limit(STREAMS)
        .peek(stream -> screen.say("the guest alone: " + text(stream)))
        .toList();
  }

  private List<ProtectedStream> protectedStreams() {
    List<ProtectedStream> streams = new ArrayList<>();
    for (int run = 0; run < STREAMS; run++) {
      MeanEpoch.During<StreamFigures> during = MeanEpoch.of(primary, this::stream);
      screen.say("protected: %s; %s".formatted(text(during.result()), during.epoch()));
      streams.add(new ProtectedStream(during.result(), during.epoch()));
    }
    return streams;
  }

  private static String text(StreamFigures stream) {
    return "%.3f MB/s; largest: window offered %d kB, sender's buffer %d kB, congestion window %d segments; %d retransmitted; limited for %d ms by the receiver, %d ms by the buffer; %s"
        .formatted(
            stream.octetsPerSecond() / 1e6,
            stream.largest("snd_wnd") / 1000,
            stream.largest("sndbuf") / 1000,
            stream.largest("cwnd"),
            stream.largest("retrans"),
            stream.largest("rwnd_limited") / 1000,
            stream.largest("sndbuf_limited") / 1000,
            stream.events());
  }

  /** Of the run with the median share; at least one run each. */
  static List<Figure> streamFigures(List<ProtectedStream> streams, List<StreamFigures> alone) {
    ProtectedStream middle = middle(streams, Comparator.comparingDouble(ProtectedStream::share));
    double fastAlone =
        middle(alone, Comparator.comparingDouble(StreamFigures::octetsPerSecond)).octetsPerSecond();
    double value = middle.stream().octetsPerSecond() / 1e6;
    int runs = streams.size();
    return List.of(
        Figure.atLeast(
            "lab.stream", value, "MB/s", middle.mostOctetsPerSecond() / 1e6, STREAM_BAR, runs),
        Figure.atLeast(
            "lab.stream.unprotected", value, "MB/s", fastAlone / 1e6, UNPROTECTED_BAR, runs));
  }

  private static <T> T middle(List<T> runs, Comparator<T> order) {
    return runs.stream().sorted(order).toList().get((runs.size() - 1) / 2);
  }

  // ---- a small web page

  private PageFigures pages() {
    return rack.lab().pages(rack.guest().address(), PAGES, PAGE_PAUSE_MILLIS);
  }

  private List<Figure> pageFigures(MeanEpoch.During<PageFigures> during, PageFigures alone) {
    screen.say("the guest alone: " + text(alone));
    screen.say("protected: %s; %s".formatted(text(during.result()), during.epoch()));
    screen.say(parts(during.result(), alone, during.epoch()));
    return pageFigures(during.result(), alone);
  }

  static List<Figure> pageFigures(PageFigures held, PageFigures alone) {
    return List.of(
        pageFigure("lab.page.p50", held.whole().p50Millis(), alone.whole().p50Millis(), held),
        pageFigure("lab.page.p99", held.whole().p99Millis(), alone.whole().p99Millis(), held));
  }

  private static Figure pageFigure(String name, double value, double alone, PageFigures held) {
    return Figure.atMost(name, value, "ms", alone, PAGE_BAR_MILLIS / alone, held.pages());
  }

  private static String text(PageFigures pages) {
    return "%d pages: connection p50 %.1f p99 %.1f ms, answer p50 %.1f p99 %.1f ms, all p50 %.1f p99 %.1f ms"
        .formatted(
            pages.pages(),
            pages.connect().p50Millis(),
            pages.connect().p99Millis(),
            pages.first().p50Millis(),
            pages.first().p99Millis(),
            pages.whole().p50Millis(),
            pages.whole().p99Millis());
  }

  /**
   * Where the time of the first answer of a connection goes, which comes at any time of an epoch.
   */
  static String parts(PageFigures held, PageFigures alone, MeanEpoch epoch) {
    double boundary = epoch.intervalMillis() / 2;
    double rest =
        held.connect().p50Millis()
            - alone.connect().p50Millis()
            - boundary
            - epoch.pauseMillis()
            - epoch.commitMillis();
    return "of a connection's %.1f ms: unprotected %.1f ms, wait for the boundary %.1f ms (half an interval), pause %.1f ms, commit %.1f ms, release and all else %.1f ms"
        .formatted(
            held.connect().p50Millis(),
            alone.connect().p50Millis(),
            boundary,
            epoch.pauseMillis(),
            epoch.commitMillis(),
            rest);
  }
}
