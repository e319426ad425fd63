#!/bin/sh
# QEMU's script for a TAP, a guest's port. Called qemu-ifup it joins the port to br0, and so to the lab's data network;
# called qemu-ifup.BRIDGE.VLAN it joins it to that bridge, untagged in that VLAN, with the bridge's MTU.
port=$1
place=${0##*/qemu-ifup}
[ -n "$place" ] || exec ip link set "$port" master br0 up
place=${place#.} bridge=${place%.*} vlan=${place##*.}
set -e
# The port has its MTU before the bridge has the port: a bridge takes the smallest of its ports'.
ip link set "$port" mtu "$(cat "/sys/class/net/$bridge/mtu")"
ip link set "$port" master "$bridge"
bridge vlan del dev "$port" vid 1
bridge vlan add dev "$port" vid "$vlan" pvid untagged
ip link set "$port" up
