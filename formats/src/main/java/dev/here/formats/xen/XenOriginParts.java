package dev.here.formats.xen;

import dev.here.machine.Bytes;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Gathers the items of a packed {@link XenOrigin}: each that it needs once, no other. */
final class XenOriginParts {
  private final Map<Class<? extends XenStreamItem>, XenStreamItem> parts = new HashMap<>();

  /**
   * Takes the next item of the stream.
   *
   * @throws XenFormatException if it has no place in an origin, or comes twice
   */
  void take(XenStreamItem item) {
    switch (item) {
      case LibxcRecord.Mark mark -> {
        if (mark.kind() != LibxcRecordType.STATIC_DATA_END && mark.kind() != LibxcRecordType.END) {
          throw misplaced(item);
        }
      }
      case XlSaveHeader header -> put(header);
      case LibxlHeader header -> put(header);
      case LibxcHeader header -> put(header);
      case LibxlRecord.LibxcContext context -> put(context);
      case LibxlRecord.EmulatorXenstoreData data -> put(data);
      case LibxlRecord.EmulatorContext context -> put(context);
      case LibxlRecord.End end -> put(end);
      case LibxcRecord.CpuidPolicy policy -> put(policy);
      case LibxcRecord.MsrPolicy policy -> put(policy);
      case LibxcRecord.TscInfo info -> put(info);
      case LibxcRecord.HvmParams params -> put(params);
      default -> throw misplaced(item);
    }
  }

  private void put(XenStreamItem item) {
    if (parts.put(item.getClass(), item) != null) {
      throw new XenFormatException(
          -1, "the guest's origin has two " + item.getClass().getSimpleName());
    }
  }

  private static XenFormatException misplaced(XenStreamItem item) {
    return new XenFormatException(
        -1,
        "a record %s has no place in a guest's origin".formatted(item.getClass().getSimpleName()));
  }

  /**
   * The origin.
   *
   * @throws XenFormatException naming what is missing
   */
  XenOrigin whole() {
    Bytes configuration =
        require(XlSaveHeader.class)
            .configuration()
            .orElseThrow(
                () -> new XenFormatException(-1, "the guest's origin has no configuration"));
    LibxlRecord.EmulatorContext model = require(LibxlRecord.EmulatorContext.class);
    if (model.emulatorId() != LibxlRecord.QEMU_UPSTREAM || model.index() != 0) {
      throw new XenFormatException(
          -1,
          "the guest's device model is of kind %d, QEMU is %d"
              .formatted(model.emulatorId(), LibxlRecord.QEMU_UPSTREAM));
    }
    return new XenOrigin(
        configuration,
        require(LibxcRecord.CpuidPolicy.class),
        require(LibxcRecord.MsrPolicy.class),
        require(LibxcRecord.TscInfo.class),
        require(LibxcRecord.HvmParams.class),
        find(LibxlRecord.EmulatorXenstoreData.class),
        model.context());
  }

  private <T extends XenStreamItem> T require(Class<T> kind) {
    return find(kind)
        .orElseThrow(
            () -> new XenFormatException(-1, "the guest's origin has no " + kind.getSimpleName()));
  }

  private <T extends XenStreamItem> Optional<T> find(Class<T> kind) {
    return Optional.ofNullable(parts.get(kind)).map(kind::cast);
  }
}
