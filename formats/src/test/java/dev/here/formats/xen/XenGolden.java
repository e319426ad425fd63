package dev.here.formats.xen;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/** Octets that a real Xen wrote (see README.md beside the files). */
final class XenGolden {
  private XenGolden() {}

  static byte[] octets(String name) {
    try (InputStream file = XenGolden.class.getResourceAsStream(name + ".gz")) {
      if (file == null) {
        throw new IllegalArgumentException("no golden file " + name);
      }
      return new GZIPInputStream(file).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String text(String name) {
    return new String(octets(name), StandardCharsets.UTF_8);
  }

  static HvmContext context(String name) {
    return HvmContext.decode(octets(name + ".hvmctx"));
  }

  static List<XenStreamItem> items(byte[] stream) throws IOException {
    var reader = new XenStreamReader(Channels.newChannel(new ByteArrayInputStream(stream)));
    var items = new ArrayList<XenStreamItem>();
    for (var item = reader.next(); item.isPresent(); item = reader.next()) {
      items.add(item.get());
    }
    return items;
  }
}
