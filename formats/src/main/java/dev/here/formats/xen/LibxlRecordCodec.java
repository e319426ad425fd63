package dev.here.formats.xen;

import java.io.IOException;

/** Bodies of libxl's records. */
final class LibxlRecordCodec {
  private LibxlRecordCodec() {}

  static LibxlRecord decode(XenRecordBody body) throws IOException {
    return switch ((int) body.type()) {
      case 0 -> new LibxlRecord.End();
      case 1 -> new LibxlRecord.LibxcContext();
      case 2 -> new LibxlRecord.EmulatorXenstoreData(body.u32(), body.u32(), body.rest());
      case 3 -> new LibxlRecord.EmulatorContext(body.u32(), body.u32(), body.rest());
      case 4 -> new LibxlRecord.CheckpointEnd();
      case 5 -> new LibxlRecord.CheckpointState(body.u32(), body.u32());
      default -> optional(body);
    };
  }

  private static LibxlRecord optional(XenRecordBody body) throws IOException {
    if ((body.type() & LibxcRecordType.OPTIONAL) == 0) {
      throw body.refused("is mandatory and not known: it can't be carried");
    }
    return new LibxlRecord.Optional(body.type(), body.rest());
  }

  static byte[] encode(LibxlRecord record) {
    var out = new XenStreamOutput();
    switch (record) {
      case LibxlRecord.EmulatorXenstoreData data ->
          out.u32(data.emulatorId()).u32(data.index()).octets(data.data().toArray());
      case LibxlRecord.EmulatorContext context ->
          out.u32(context.emulatorId()).u32(context.index()).octets(context.context().toArray());
      case LibxlRecord.CheckpointState state -> out.u32(state.controlId()).u32(state.reserved());
      case LibxlRecord.Optional other -> out.octets(other.body().toArray());
      case LibxlRecord.End end -> {}
      case LibxlRecord.LibxcContext context -> {}
      case LibxlRecord.CheckpointEnd end -> {}
    }
    return out.toArray();
  }
}
