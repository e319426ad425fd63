package dev.here.cli;

import java.net.InetSocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code ADDRESS:PORT}; the port comes after the last colon. */
final class AddressAndPort implements ITypeConverter<InetSocketAddress> {
  private static final Pattern FORM = Pattern.compile("(.+):([0-9]{1,5})");
  private static final int HIGHEST_PORT = 65535;

  @Override
  public InetSocketAddress convert(String text) {
    Matcher parts = FORM.matcher(text);
    if (!parts.matches() || Integer.parseInt(parts.group(2)) > HIGHEST_PORT) {
      throw new TypeConversionException("'" + text + "' is not ADDRESS:PORT");
    }
    return new InetSocketAddress(parts.group(1), Integer.parseInt(parts.group(2)));
  }
}
