package dev.here.host;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;

/**
 * A host's set-up as a file: one JSON object with every component of {@link HostConfig} by its
 * name; addresses as {@code HOST:PORT}, the duration as ISO 8601 has it ({@code PT0.6S}).
 */
public final class HostConfigFile {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .addModule(
              new SimpleModule().addDeserializer(InetSocketAddress.class, new AddressReader()))
          .build();

  private HostConfigFile() {}

  /** What {@link #read} reads. */
  public static String text(HostConfig config) {
    return JSON.writeValueAsString(config);
  }

  /**
   * Reads a set-up.
   *
   * @throws HostException with the path, when it is not there, lacks something or says too much
   */
  static HostConfig read(Path file) {
    try {
      return JSON.readValue(Files.readString(file), HostConfig.class);
    } catch (IOException | JacksonException e) {
      throw new HostException(
          "%s cannot be read: %s"
              .formatted(file, String.valueOf(e.getMessage()).lines().findFirst().orElse("")),
          e);
    }
  }

  /** As the usual one, but it looks the name up: what is listened on must be an address. */
  private static final class AddressReader extends ValueDeserializer<InetSocketAddress> {
    @Override
    public InetSocketAddress deserialize(JsonParser in, DeserializationContext context) {
      String text = in.getValueAsString("");
      int colon = text.lastIndexOf(':');
      try {
        return new InetSocketAddress(
            text.substring(0, Math.max(colon, 0)), Integer.parseInt(text.substring(colon + 1)));
      } catch (IllegalArgumentException e) {
        return context.reportInputMismatch(this, "'%s' is not HOST:PORT", text);
      }
    }
  }
}
