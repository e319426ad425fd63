package dev.here.formats.state;

import dev.here.machine.MsixEntry;
import dev.here.machine.MsixState;
import dev.here.machine.PciAddress;
import dev.here.machine.PciBar;
import dev.here.machine.PciFunction;
import dev.here.machine.PciRole;
import dev.here.machine.PciState;

/** PCI functions, with their message-signalled interrupts. */
final class PciJson {
  private static final PciRole[] PCI_ROLES = PciRole.values();

  static final RecordJson<PciState> PCI =
      new RecordJson<>() {
        @Override
        public void write(PciState pci, StateWriter out) {
          out.int64("configAddress", pci.configAddress());
          out.list("functions", pci.functions(), FUNCTION);
          out.int32("resetControl", pci.resetControl());
        }

        @Override
        public PciState read(StateReader in) {
          return new PciState(
              in.int64("configAddress"), in.list("functions", FUNCTION), in.int32("resetControl"));
        }
      };

  private static final RecordJson<PciFunction> FUNCTION =
      new RecordJson<>() {
        @Override
        public void write(PciFunction function, StateWriter out) {
          out.object("address", function.address(), ADDRESS);
          out.constant("role", function.role());
          out.octets("config", function.config());
          out.list("bars", function.bars(), BAR);
          out.optional("msix", function.msix(), MSIX);
          out.int32("intxLevel", function.intxLevel());
        }

        @Override
        public PciFunction read(StateReader in) {
          return new PciFunction(
              in.object("address", ADDRESS),
              in.constant("role", PCI_ROLES),
              in.octets("config"),
              in.list("bars", BAR),
              in.optional("msix", MSIX),
              in.int32("intxLevel"));
        }
      };

  static final RecordJson<PciAddress> ADDRESS =
      new RecordJson<>() {
        @Override
        public void write(PciAddress address, StateWriter out) {
          out.int32("bus", address.bus());
          out.int32("device", address.device());
          out.int32("function", address.function());
        }

        @Override
        public PciAddress read(StateReader in) {
          return new PciAddress(in.int32("bus"), in.int32("device"), in.int32("function"));
        }
      };

  private static final RecordJson<PciBar> BAR =
      new RecordJson<>() {
        @Override
        public void write(PciBar bar, StateWriter out) {
          out.int32("index", bar.index());
          out.flag("io", bar.io());
          out.flag("wide", bar.wide());
          out.flag("prefetchable", bar.prefetchable());
          out.int64("sizeBytes", bar.sizeBytes());
        }

        @Override
        public PciBar read(StateReader in) {
          return new PciBar(
              in.int32("index"),
              in.flag("io"),
              in.flag("wide"),
              in.flag("prefetchable"),
              in.int64("sizeBytes"));
        }
      };

  private static final RecordJson<MsixState> MSIX =
      new RecordJson<>() {
        @Override
        public void write(MsixState msix, StateWriter out) {
          out.int32("capabilityOffset", msix.capabilityOffset());
          out.list("entries", msix.entries(), MSIX_ENTRY);
          out.octets("pending", msix.pending());
        }

        @Override
        public MsixState read(StateReader in) {
          return new MsixState(
              in.int32("capabilityOffset"), in.list("entries", MSIX_ENTRY), in.octets("pending"));
        }
      };

  private static final RecordJson<MsixEntry> MSIX_ENTRY =
      new RecordJson<>() {
        @Override
        public void write(MsixEntry entry, StateWriter out) {
          out.int64("address", entry.address());
          out.int32("data", entry.data());
          out.flag("masked", entry.masked());
        }

        @Override
        public MsixEntry read(StateReader in) {
          return new MsixEntry(in.int64("address"), in.int32("data"), in.flag("masked"));
        }
      };

  private PciJson() {}
}
