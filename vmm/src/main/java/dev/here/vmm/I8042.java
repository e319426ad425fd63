package dev.here.vmm;

import dev.here.machine.Bytes;
import dev.here.machine.I8042State;

/**
 * The keyboard controller (ports 60h and 64h) with a keyboard and a mouse that nobody touches:
 * commands are answered, no input comes (IBM PS/2 Hardware Interface Technical Reference, keyboard
 * and auxiliary device controller). Guarded by the platform's lock.
 */
public final class I8042 implements OctetDevice {
  private static final int DATA_PORT = 0x60;
  private static final int COMMAND_PORT = 0x64;
  private static final int OUTPUT_FULL = 0x01;
  private static final int SYSTEM = 0x04;
  private static final int WROTE_COMMAND = 0x08;
  private static final int MOUSE_FULL = 0x20;
  private static final int KEYBOARD_INTERRUPT = 0x01;
  private static final int MOUSE_INTERRUPT = 0x02;
  private static final int KEYBOARD_OFF = 0x10;
  private static final int MOUSE_OFF = 0x20;
  private static final int KEYBOARD_WAITS = 1;
  private static final int MOUSE_WAITS = 2;
  private static final int NONE = -1;
  private static final int ACK = 0xfa;

  private final InterruptLine keyboardLine;
  private final InterruptLine mouseLine;
  private final Runnable reset;
  private final OctetQueue keyboard;
  private final OctetQueue mouse;
  private int status;
  private int command;
  private int writeCommand;
  private int outputPort;
  private int pending;
  private int lastOutput;
  private int keyboardCommand;
  private boolean scanning;
  private int scancodeSet;
  private int leds;
  private int mouseCommand;
  private int mouseStatus;
  private int mouseResolution;
  private int mouseSampleRate;
  private int mouseType;

  /**
   * @param keyboardLine interrupt 1
   * @param mouseLine interrupt 12
   * @param reset the guest has pulsed the processor's reset
   */
  public I8042(
      I8042State state, InterruptLine keyboardLine, InterruptLine mouseLine, Runnable reset) {
    this.keyboardLine = keyboardLine;
    this.mouseLine = mouseLine;
    this.reset = reset;
    keyboard = new OctetQueue(state.keyboardQueue());
    mouse = new OctetQueue(state.mouseQueue());
    status = state.status();
    command = state.command();
    writeCommand = state.writeCommand();
    outputPort = state.outputPort();
    pending = state.pending();
    lastOutput = state.lastOutput();
    keyboardCommand = state.keyboardCommand();
    scanning = state.keyboardScanning();
    scancodeSet = state.scancodeSet();
    leds = state.leds();
    mouseCommand = state.mouseCommand();
    mouseStatus = state.mouseStatus();
    mouseResolution = state.mouseResolution();
    mouseSampleRate = state.mouseSampleRate();
    mouseType = state.mouseType();
    update();
  }

  /** After the self-test that firmware makes: both devices enabled, interrupts off. */
  public static I8042State powerOn() {
    return new I8042State(
        0x1c, 0x44, 0, 0x03, 0, 0, Bytes.EMPTY, Bytes.EMPTY, NONE, true, 2, 0, NONE, 0, 2, 100, 0);
  }

  public I8042State state() {
    return new I8042State(
        status,
        command,
        writeCommand,
        outputPort,
        pending,
        lastOutput,
        keyboard.content(),
        mouse.content(),
        keyboardCommand,
        scanning,
        scancodeSet,
        leds,
        mouseCommand,
        mouseStatus,
        mouseResolution,
        mouseSampleRate,
        mouseType);
  }

  public void attach(PortBus ports) {
    ports.attach(DATA_PORT, 1, this);
    ports.attach(COMMAND_PORT, 1, this);
  }

  @Override
  public int readOctet(int port) {
    if (port == COMMAND_PORT) {
      return status;
    }
    if (port != DATA_PORT) {
      return 0xff;
    }
    if ((status & OUTPUT_FULL) != 0) {
      lastOutput = (status & MOUSE_FULL) != 0 ? mouse.take() : keyboard.take();
      keyboardLine.set(false);
      mouseLine.set(false);
      update();
    }
    return lastOutput;
  }

  @Override
  public void writeOctet(int port, int value) {
    if (port == COMMAND_PORT) {
      status |= WROTE_COMMAND;
      control(value);
    } else if (port == DATA_PORT) {
      status &= ~WROTE_COMMAND;
      data(value);
    } else {
      return;
    }
    update();
  }

  private void control(int value) {
    writeCommand = 0;
    switch (value) {
      case 0x20 -> keyboard.add(command);
      case 0x60, 0xd1, 0xd2, 0xd3, 0xd4 -> writeCommand = value;
      case 0xa7 -> command |= MOUSE_OFF;
      case 0xa8 -> command &= ~MOUSE_OFF;
      case 0xa9, 0xab -> keyboard.add(0);
      case 0xaa -> {
        status |= SYSTEM;
        keyboard.add(0x55);
      }
      case 0xad -> command |= KEYBOARD_OFF;
      case 0xae -> command &= ~KEYBOARD_OFF;
      case 0xc0 -> keyboard.add(0x80);
      case 0xd0 -> keyboard.add(outputPort);
      case 0xdd -> outputPort &= ~2;
      case 0xdf -> outputPort |= 2;
      default -> {
        if (value >= 0xf0 && (value & 1) == 0) {
          reset.run();
        }
      }
    }
  }

  private void data(int value) {
    int wanted = writeCommand;
    writeCommand = 0;
    switch (wanted) {
      case 0x60 -> command = value;
      case 0xd1 -> {
        outputPort = value;
        if ((value & 1) == 0) {
          reset.run();
        }
      }
      case 0xd2 -> keyboard.add(value);
      case 0xd3 -> mouse.add(value);
      case 0xd4 -> toMouse(value);
      default -> {
        command &= ~KEYBOARD_OFF;
        toKeyboard(value);
      }
    }
  }

  private void toKeyboard(int value) {
    int parameterOf = keyboardCommand;
    keyboardCommand = NONE;
    switch (parameterOf) {
      case 0xed -> {
        leds = value & 7;
        keyboard.add(ACK);
      }
      case 0xf0 -> {
        keyboard.add(ACK);
        if (value == 0) {
          keyboard.add(scancodeSet);
        } else if (value <= 3) {
          scancodeSet = value;
        }
      }
      case 0xf3 -> keyboard.add(ACK);
      default -> keyboardCommand(value);
    }
  }

  private void keyboardCommand(int value) {
    switch (value) {
      case 0x00 -> keyboard.add(ACK);
      case 0x05, 0xfe -> keyboard.add(0xfe);
      case 0xed, 0xf0, 0xf3 -> {
        keyboardCommand = value;
        keyboard.add(ACK);
      }
      case 0xee -> keyboard.add(0xee);
      case 0xf2 -> keyboard.add(ACK, 0xab, 0x83);
      case 0xf4 -> {
        scanning = true;
        keyboard.add(ACK);
      }
      case 0xf5, 0xf6 -> {
        resetKeyboard(value == 0xf6);
        keyboard.add(ACK);
      }
      case 0xff -> {
        resetKeyboard(true);
        keyboard.add(ACK, 0xaa);
      }
      default -> keyboard.add(ACK);
    }
  }

  private void resetKeyboard(boolean enabled) {
    keyboard.clear();
    scanning = enabled;
    scancodeSet = 2;
    leds = 0;
  }

  private void toMouse(int value) {
    int parameterOf = mouseCommand;
    mouseCommand = NONE;
    switch (parameterOf) {
      case 0xf3 -> {
        mouseSampleRate = value;
        mouse.add(ACK);
      }
      case 0xe8 -> {
        mouseResolution = value;
        mouse.add(ACK);
      }
      default -> mouseCommand(value);
    }
  }

  private void mouseCommand(int value) {
    switch (value) {
      case 0xe6 -> mouseFlags(0x10, false);
      case 0xe7 -> mouseFlags(0x10, true);
      case 0xe9 -> mouse.add(ACK, mouseStatus, mouseResolution, mouseSampleRate);
      case 0xea -> mouseFlags(0x40, false);
      case 0xeb -> mouse.add(ACK, 0x08, 0, 0);
      case 0xf0 -> mouseFlags(0x40, true);
      case 0xe8, 0xf3 -> {
        mouseCommand = value;
        mouse.add(ACK);
      }
      case 0xf2 -> mouse.add(ACK, mouseType);
      case 0xf4 -> mouseFlags(0x20, true);
      case 0xf5 -> mouseFlags(0x20, false);
      case 0xf6 -> {
        resetMouse();
        mouse.add(ACK);
      }
      case 0xff -> {
        resetMouse();
        mouseType = 0;
        mouse.add(ACK, 0xaa, mouseType);
      }
      default -> mouse.add(0xfe);
    }
  }

  private void mouseFlags(int bit, boolean on) {
    mouseStatus = on ? mouseStatus | bit : mouseStatus & ~bit;
    mouse.add(ACK);
  }

  private void resetMouse() {
    mouse.clear();
    mouseStatus = 0;
    mouseResolution = 2;
    mouseSampleRate = 100;
  }

  /** What can be read next, keyboard first, and its interrupt. */
  private void update() {
    pending = (keyboard.isEmpty() ? 0 : KEYBOARD_WAITS) | (mouse.isEmpty() ? 0 : MOUSE_WAITS);
    boolean fromKeyboard = (pending & KEYBOARD_WAITS) != 0;
    boolean fromMouse = !fromKeyboard && (pending & MOUSE_WAITS) != 0;
    status &= ~(OUTPUT_FULL | MOUSE_FULL);
    status |= fromKeyboard ? OUTPUT_FULL : 0;
    status |= fromMouse ? OUTPUT_FULL | MOUSE_FULL : 0;
    keyboardLine.set(fromKeyboard && (command & KEYBOARD_INTERRUPT) != 0);
    mouseLine.set(fromMouse && (command & MOUSE_INTERRUPT) != 0);
  }
}
