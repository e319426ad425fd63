package dev.here.formats.state;

/**
 * Writes and reads the members of one record of a machine state, in the order of its components and
 * under their names.
 *
 * <p>The implementations are classes, not pairs of method references: the JVM would make a class
 * for each of those when it runs.
 */
interface RecordJson<T> {
  /** Writes the members of {@code value}, without the braces around them. */
  void write(T value, StateWriter out);

  /** Reads what {@link #write} wrote; anything else makes {@code in} give up. */
  T read(StateReader in);
}
