#!/bin/sh
# Runs a Java program of HERE on a lab host: here-java [JVM OPTIONS] CLASS [ARGUMENTS].
# The options suit a slow emulated host: the first compiler only, the serial collector.
exec /opt/jre/bin/java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \
  --sun-misc-unsafe-memory-access=allow $HERE_JAVA_OPTIONS -cp "$(cat /opt/here/classpath)" "$@"
