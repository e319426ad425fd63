package dev.here.cli;

/** The gate's contract on the kernel of this machine. */
class GateContractTest extends GateContract {}
