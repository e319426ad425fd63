#!/bin/sh
# Runs a Java program of HERE on a lab host: here-java [JVM OPTIONS] CLASS [ARGUMENTS].
# The options suit a slow emulated host: the first compiler only, the serial collector, and the
# archives of loaded classes that came with the application, if there are any.
export HERE_STARTUP=/opt/here/startup
# QEMU's translator calls a function for each of the larger vector and string instructions, new
# machine code has to be translated once more, and a moved archive has all its pointers changed.
if grep -q 'QEMU TCG' /proc/cpuinfo; then
  export HERE_JAVA_OPTIONS="-XX:UseSSE=2 -XX:UseAVX=0 -XX:CompileThresholdScaling=5 -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0 $HERE_JAVA_OPTIONS"
fi
archive=
case "$*" in
  *dev.here.host.Hered*) [ ! -f "$HERE_STARTUP/hered.aot" ] || archive=-XX:AOTCache=$HERE_STARTUP/hered.aot ;;
esac
exec /opt/jre/bin/java -XX:+ExitOnOutOfMemoryError -XX:TieredStopAtLevel=1 -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED \
  -Djdk.virtualThreadScheduler.parallelism=4 --sun-misc-unsafe-memory-access=allow $archive $HERE_JAVA_OPTIONS -cp "$(cat /opt/here/classpath)" "$@"
