package dev.here.formats.state;

import dev.here.machine.VgaState;

/** The display adapter. */
final class VgaJson {
  static final RecordJson<VgaState> VGA =
      new RecordJson<>() {
        @Override
        public void write(VgaState vga, StateWriter out) {
          out.int32("miscOutput", vga.miscOutput());
          out.int32("featureControl", vga.featureControl());
          out.int32("sequencerIndex", vga.sequencerIndex());
          out.octets("sequencer", vga.sequencer());
          out.int32("graphicsIndex", vga.graphicsIndex());
          out.octets("graphics", vga.graphics());
          out.int32("attributeIndex", vga.attributeIndex());
          out.octets("attribute", vga.attribute());
          out.flag("attributeFlipFlop", vga.attributeFlipFlop());
          out.int32("crtcIndex", vga.crtcIndex());
          out.octets("crtc", vga.crtc());
          out.int32("dacState", vga.dacState());
          out.int32("dacReadIndex", vga.dacReadIndex());
          out.int32("dacWriteIndex", vga.dacWriteIndex());
          out.int32("dacSubIndex", vga.dacSubIndex());
          out.octets("palette", vga.palette());
          out.int32("dispiIndex", vga.dispiIndex());
          out.int32List("dispi", vga.dispi());
          out.int32("latch", vga.latch());
          out.int64("framebufferBytes", vga.framebufferBytes());
          out.int64("framebufferBackingOffset", vga.framebufferBackingOffset());
        }

        @Override
        public VgaState read(StateReader in) {
          return new VgaState(
              in.int32("miscOutput"),
              in.int32("featureControl"),
              in.int32("sequencerIndex"),
              in.octets("sequencer"),
              in.int32("graphicsIndex"),
              in.octets("graphics"),
              in.int32("attributeIndex"),
              in.octets("attribute"),
              in.flag("attributeFlipFlop"),
              in.int32("crtcIndex"),
              in.octets("crtc"),
              in.int32("dacState"),
              in.int32("dacReadIndex"),
              in.int32("dacWriteIndex"),
              in.int32("dacSubIndex"),
              in.octets("palette"),
              in.int32("dispiIndex"),
              in.int32List("dispi"),
              in.int32("latch"),
              in.int64("framebufferBytes"),
              in.int64("framebufferBackingOffset"));
        }
      };

  private VgaJson() {}
}
