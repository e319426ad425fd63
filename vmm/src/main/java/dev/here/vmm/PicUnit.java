package dev.here.vmm;

import dev.here.machine.PicChip;

/**
 * One 8259A (Intel 8259A data sheet, order number 231468). Its INT output follows {@link
 * #requested}; {@link Pic} wires two of them. Guarded by the platform's lock.
 */
final class PicUnit {
  private static final int NONE = 8;
  private static final int CASCADE = 4;

  private final boolean master;
  private final int levelCapable;
  private int irr;
  private int imr;
  private int isr;
  private int lines;
  private int levelTriggered;
  private int lowestPriority;
  private int vectorBase;
  private int initStep;
  private boolean readIsr;
  private boolean poll;
  private boolean specialMask;
  private boolean autoEoi;
  private boolean rotateOnAutoEoi;
  private boolean specialFullyNested;
  private boolean fourByteInit;

  PicUnit(PicChip state, boolean master) {
    this.master = master;
    irr = state.irr();
    imr = state.imr();
    isr = state.isr();
    lines = state.lines();
    levelTriggered = state.levelTriggered();
    levelCapable = state.levelCapable();
    lowestPriority = state.lowestPriority();
    vectorBase = state.vectorBase();
    initStep = state.initStep();
    readIsr = state.readIsr();
    poll = state.poll();
    specialMask = state.specialMask();
    autoEoi = state.autoEoi();
    rotateOnAutoEoi = state.rotateOnAutoEoi();
    specialFullyNested = state.specialFullyNested();
    fourByteInit = state.fourByteInit();
  }

  /** After power-on: nothing requested, nothing masked. */
  static PicChip powerOn(int levelCapable) {
    return new PicChip(
        0, 0, 0, 0, 0, levelCapable, 0, 0, 0, false, false, false, false, false, false, false);
  }

  PicChip state() {
    return new PicChip(
        irr,
        imr,
        isr,
        lines,
        levelTriggered,
        levelCapable,
        lowestPriority,
        vectorBase,
        initStep,
        readIsr,
        poll,
        specialMask,
        autoEoi,
        rotateOnAutoEoi,
        specialFullyNested,
        fourByteInit);
  }

  /** The level of input {@code pin}; {@code latch} false takes the level without its edge. */
  void line(int pin, boolean asserted, boolean latch) {
    int bit = 1 << pin;
    boolean level = (levelTriggered & bit) != 0;
    if (asserted) {
      if (level || latch && (lines & bit) == 0) {
        irr |= bit;
      }
      lines |= bit;
    } else {
      if (level) {
        irr &= ~bit;
      }
      lines &= ~bit;
    }
  }

  /** The slave's INT output: its request goes when the slave has nothing left to ask. */
  void cascade(boolean asserted) {
    irr = asserted ? irr | CASCADE : irr & ~CASCADE;
    lines = asserted ? lines | CASCADE : lines & ~CASCADE;
  }

  /** The input that asks for service with a priority above what is in service, or -1. */
  int requested() {
    int wanted = priority(irr & ~imr);
    if (wanted == NONE) {
      return -1;
    }
    int serving = specialMask ? isr & ~imr : isr;
    if (specialFullyNested && master) {
      serving &= ~CASCADE;
    }
    return wanted < priority(serving) ? wanted + lowestPriority & 7 : -1;
  }

  /** The processor's acknowledge cycle for {@code pin}. */
  void acknowledge(int pin) {
    if (!autoEoi) {
      isr |= 1 << pin;
    } else if (rotateOnAutoEoi) {
      lowestPriority = pin + 1 & 7;
    }
    if ((levelTriggered & 1 << pin) == 0) {
      irr &= ~(1 << pin);
    }
  }

  int vector(int pin) {
    return vectorBase + pin;
  }

  int readCommand() {
    return poll ? poll() : readIsr ? isr : irr;
  }

  int readData() {
    return poll ? poll() : imr;
  }

  void writeCommand(int value) {
    if ((value & 0x10) != 0) {
      initialise(value);
    } else if ((value & 0x08) != 0) {
      operate(value);
    } else {
      endOfInterrupt(value);
    }
  }

  void writeData(int value) {
    switch (initStep) {
      case 0 -> imr = value;
      case 1 -> {
        vectorBase = value & 0xf8;
        initStep = 2;
      }
      case 2 -> initStep = fourByteInit ? 3 : 0;
      default -> {
        specialFullyNested = (value & 0x10) != 0;
        autoEoi = (value & 0x02) != 0;
        initStep = 0;
      }
    }
  }

  int levelTriggered() {
    return levelTriggered;
  }

  void levelTriggered(int value) {
    levelTriggered = value & levelCapable;
  }

  /** ICW1. */
  private void initialise(int value) {
    lines = 0;
    irr &= levelTriggered;
    imr = 0;
    isr = 0;
    lowestPriority = 0;
    vectorBase = 0;
    readIsr = false;
    poll = false;
    specialMask = false;
    autoEoi = false;
    rotateOnAutoEoi = false;
    specialFullyNested = false;
    fourByteInit = (value & 0x01) != 0;
    initStep = 1;
  }

  /** OCW3. */
  private void operate(int value) {
    if ((value & 0x04) != 0) {
      poll = true;
    }
    if ((value & 0x02) != 0) {
      readIsr = (value & 0x01) != 0;
    }
    if ((value & 0x40) != 0) {
      specialMask = (value & 0x20) != 0;
    }
  }

  /** OCW2. */
  private void endOfInterrupt(int value) {
    int command = value >> 5;
    switch (command) {
      case 0, 4 -> rotateOnAutoEoi = command == 4;
      case 1, 5 -> {
        int highest = priority(isr);
        if (highest != NONE) {
          int pin = highest + lowestPriority & 7;
          isr &= ~(1 << pin);
          if (command == 5) {
            lowestPriority = pin + 1 & 7;
          }
        }
      }
      case 3 -> isr &= ~(1 << (value & 7));
      case 6 -> lowestPriority = value + 1 & 7;
      case 7 -> {
        isr &= ~(1 << (value & 7));
        lowestPriority = value + 1 & 7;
      }
      default -> {}
    }
  }

  private int poll() {
    poll = false;
    int pin = requested();
    if (pin < 0) {
      return 0;
    }
    acknowledge(pin);
    return pin | 0x80;
  }

  /** Priority of the foremost input in {@code mask}: 0 is the highest, {@link #NONE} for none. */
  private int priority(int mask) {
    for (int priority = 0; priority < NONE; priority++) {
      if ((mask & 1 << (priority + lowestPriority & 7)) != 0) {
        return priority;
      }
    }
    return NONE;
  }
}
