package dev.here.cli;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads one of a few words on a command line.
 *
 * @param <T> what they stand for
 */
abstract class WordConverter<T> implements ITypeConverter<T> {
  private final String what;
  private final List<T> values;
  private final Function<T, String> word;

  /**
   * @param what they are, for the message about another word
   * @param word a value's
   */
  WordConverter(String what, T[] values, Function<T, String> word) {
    this.what = what;
    this.values = List.of(values);
    this.word = word;
  }

  @Override
  public T convert(String text) {
    return values.stream()
        .filter(value -> word.apply(value).equals(text))
        .findFirst()
        .orElseThrow(() ->
            new TypeConversionException(
                "no %s \"%s\": it is one of %s"
                    .formatted(
                        what, text, values.stream().map(word).collect(Collectors.joining(", ")))));
  }
}
