#!/bin/bash
# Runs HERE once on this machine, between a stock QEMU and HERE's own monitor, to learn which classes
# its processes load, and writes archives of them. Runs in a rack: all of it ends with the rack.
# startup-training.sh JRE APPLICATION FIRMWARE: the hosts' Java runtime, the folder that they see as
# /opt/here, and a firmware for QEMU. Works in the current folder; leaves hered.aot, keeper.aot, vmm.aot.
set -eu
jre=$1 application=$2 firmware=$3

# An archive is valid for the paths that it was made with: those of a host.
mount -t tmpfs none /opt
mkdir /opt/jre /opt/here
mount --bind "$jre" /opt/jre
mount --bind "$application" /opt/here
ip link add br0 type bridge
ip link set br0 up
printf '#!/bin/sh\nip link set "$1" master br0 up\n' >ifup
chmod +x ifup
(umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >token)

classes=$(cat /opt/here/classpath)
options=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 --enable-native-access=ALL-UNNAMED
  --sun-misc-unsafe-memory-access=allow)
here() { /opt/jre/bin/java "${options[@]}" -cp "$classes" dev.here.cli.Here "$@"; }
await() { # await SECONDS COMMAND...
  local tenths=$(($1 * 10)); shift
  until "$@"; do
    [ $((tenths--)) -gt 0 ] || { echo "not within its time: $*" >&2; exit 1; }
    sleep 0.1
  done
}

here witness --listen 127.0.0.1:2181 --dir witness >witness.log 2>&1 &
cat >hered.json <<END
{"name":"here", "api":"$PWD/hered.sock", "runFolder":"$PWD/run", "listen":"127.0.0.1:7700", "peers":{"there":"127.0.0.1:7700"},
 "witness":"127.0.0.1:2181", "tokenFile":"$PWD/token", "bridges":{"usual":"br0", "bySource":{}}, "diskFolders":[], "spares":1, "suspectAfter":"PT5S"}
END
HERE_STARTUP_RECORD=$PWD /opt/jre/bin/java "${options[@]}" -XX:AOTMode=record \
  -XX:AOTConfiguration=hered-1.aotconf -cp "$classes" dev.here.host.Hered hered.json >hered.log 2>&1 &
hered=$!
qemu-system-x86_64 -accel kvm -machine pc-i440fx-7.2 -m 16 -nodefaults -display none \
  -nic tap,model=virtio-net-pci,mac=52:54:00:00:00:01,script=./ifup,downscript=no \
  -bios "$firmware" -qmp "unix:$PWD/guest.qmp,server=on,wait=off" >qemu.log 2>&1 &
qemu=$!

await 30 test -S hered.sock
await 10 test -S guest.qmp
here protect "$PWD/guest.qmp" --to there --api hered.sock >protect.log 2>&1
safe() { here status --json --api hered.sock | grep -Eq '"safe" ?: ?true'; }
await 20 safe
# So that the daemon's record has what it does after a keeper's death. A killed process leaves none.
kill -KILL "$(pgrep -f dev.here.host.Keeper)"
second_keeper() { pgrep -f keeper-2.aotconf >/dev/null; }
await 20 second_keeper
await 20 safe
kill -KILL $qemu
taken_over() { here status --json --api hered.sock | grep -q RUNNING; }
await 20 taken_over

# Machine code of this machine's CPU must not get into an archive: an emulated host's lacks AVX.
no_code=(-XX:+UnlockDiagnosticVMOptions -XX:-AOTAdapterCaching -XX:-AOTStubCaching)

# Each writes its record as it ends.
mapfile -t monitors < <(pgrep -f dev.here.vmm.Vmm)
kill "${monitors[@]}" $hered
recorded() { ! pgrep -f aotconf >/dev/null; }
await 60 recorded
for name in hered keeper vmm; do
  # The longest record is of the one that did most: of the monitors the one that took over.
  record=$(ls -S $name-*.aotconf | head -n 1)
  /opt/jre/bin/java "${options[@]}" "${no_code[@]}" -XX:AOTMode=create -XX:AOTConfiguration="$record" \
    -XX:AOTCache=$name.aot -cp "$classes" >$name.create.log 2>&1
  rm $name-*.aotconf
done
