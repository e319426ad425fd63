package dev.here.formats.qemu;

import dev.here.machine.Bytes;
import dev.here.machine.I8042State;
import java.util.Optional;

/**
 * The keyboard controller with its keyboard and mouse. Facts: QEMU 7.2's hw/input/pckbd.c, ps2.c.
 */
final class QemuKeyboardTranslation {
  private static final int STATUS_OUTPUT_FULL = 0x01;
  private static final int STATUS_MOUSE_OUTPUT_FULL = 0x20;
  private static final int OUTPORT_DEFAULT = 0xcf;
  private static final int OUTPORT_OUTPUT_FULL = 0x10;
  private static final int OUTPORT_MOUSE_OUTPUT_FULL = 0x20;

  private final VmState state;

  QemuKeyboardTranslation(VmState state) {
    this.state = state;
  }

  Optional<I8042State> i8042() {
    return state.section("pckbd", 0).map(section -> i8042(section.struct("kbd")));
  }

  private I8042State i8042(VmStruct controller) {
    VmStruct keyboard = state.require("ps2kbd", 0);
    VmStruct mouse = state.require("ps2mouse", 0);
    VmStruct keyboardQueue = keyboard.struct("parent_obj");
    VmStruct mouseQueue = mouse.struct("parent_obj");
    int status = controller.number("status", 0, 255);
    int pending = controller.number("pending_tmp", 0, 255);
    return new I8042State(
        status,
        controller.number("mode", 0, 255),
        controller.number("write_cmd", 0, 255),
        controller
            .subsection("pckbd_outport")
            .map(part -> part.number("outport", 0, 255))
            .orElse(outport(status)),
        ((pending & 0x11) != 0 ? 1 : 0) | ((pending & 0x22) != 0 ? 2 : 0),
        controller
            .subsection("pckbd/extended_state")
            .map(part -> part.number("obdata", 0, 255))
            .orElse(0),
        queue(keyboardQueue),
        queue(mouseQueue),
        keyboardQueue.number("write_cmd", -1, 255),
        keyboard.flag("scan_enabled"),
        keyboard.number("scancode_set", 1, 3),
        keyboard.subsection("ps2kbd/ledstate").map(part -> part.number("ledstate", 0, 7)).orElse(0),
        mouseQueue.number("write_cmd", -1, 255),
        mouse.number("mouse_status", 0, 255),
        mouse.number("mouse_resolution", 0, 255),
        mouse.number("mouse_sample_rate", 0, 255),
        mouse.number("mouse_type", 0, 255));
  }

  private static int outport(int status) {
    return OUTPORT_DEFAULT
        | ((status & STATUS_OUTPUT_FULL) != 0 ? OUTPORT_OUTPUT_FULL : 0)
        | ((status & STATUS_MOUSE_OUTPUT_FULL) != 0 ? OUTPORT_MOUSE_OUTPUT_FULL : 0);
  }

  private static Bytes queue(VmStruct device) {
    byte[] data = device.octets("queue.data", 256);
    int head = (int) device.number("queue.rptr") & 0xff;
    device.number("queue.wptr");
    byte[] out = new byte[device.number("queue.count", 0, 256)];
    for (int i = 0; i < out.length; i++) {
      out[i] = data[head + i & 0xff];
    }
    return Bytes.of(out);
  }
}
