#!/bin/sh
# Runs a Java program of HERE on a lab host: here-java [JVM OPTIONS] CLASS [ARGUMENTS].
# The options suit a slow emulated host: the first compiler only, the serial collector, and the
# archives of loaded classes that came with the application, if there are any.
export HERE_STARTUP=/opt/here/startup
archive=
case "$*" in
  *"dev.here.cli.Here hered"*) [ ! -f "$HERE_STARTUP/hered.aot" ] || archive=-XX:AOTCache=$HERE_STARTUP/hered.aot ;;
esac
exec /opt/jre/bin/java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \
  -Djdk.virtualThreadScheduler.parallelism=4 --sun-misc-unsafe-memory-access=allow $archive $HERE_JAVA_OPTIONS -cp "$(cat /opt/here/classpath)" "$@"
