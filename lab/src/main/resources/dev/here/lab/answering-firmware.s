# The firmware of AnsweringFirmware: a guest of one vCPU, without operating system, that answers ARP and UDP port 7 on the
# virtio-net card in slot 2 and counts what it answers.
#
# Linked at f0000h, 64 KiB, entered at the reset vector; for the rest of its life it runs in flat 32-bit mode. Sources:
# Intel SDM volume 3 (9.9 mode switch, 11.12 x2APIC), 8259A and 8254 data sheets, 82371SB data sheet (PIRQ routing, ELCR),
# PCI 3.0 (3.2.2.3.2), VIRTIO 1.2 (legacy interface: 2.7, 4.1.4.8, 5.1), RFC 826, 791, 768.
#
# A buffer is always in one ring only: the device fills it (receive), the guest turns it into its answer in place and gives
# it to the device again (transmit), and once sent it goes back to receive. So nothing is copied and nothing runs out.
# All work is done with interrupts off, between two halts; handlers only acknowledge.

        .set    CODE, 0x08
        .set    DATA, 0x10
        .set    STACK, 0x7000

        # what the host looks at (AnsweringFirmware)
        .set    TICKS, 0x1000               # timer interrupts
        .set    ANSWERS, 0x1004             # UDP requests answered
        # its own
        .set    MAC, 0x1008                 # 6 octets
        .set    IP, 0x1010                  # 4 octets
        .set    RECEIVED, 0x1014            # 16 bits: used entries of the receive queue that were seen
        .set    SENT, 0x1016                # 16 bits: of the transmit queue
        .set    TO_RECEIVE, 0x1018          # whether the device is to be told of new entries
        .set    TO_SEND, 0x1019

        .set    PORTS, 0xc000               # the card's registers
        .set    QUEUE_SIZE, 256             # QEMU's; a legacy device dictates it
        .set    RECEIVE, 0x10000            # queues: descriptors, 1000h available ring, 2000h used ring
        .set    TRANSMIT, 0x14000
        .set    AVAILABLE, 0x1000
        .set    USED, 0x2000
        .set    BUFFERS, 0x20000
        .set    BUFFER_COUNT, 32
        .set    BUFFER_SHIFT, 11
        .set    HEADER, 10                  # octets of struct virtio_net_hdr, at a buffer's beginning
        .set    FRAME, 16                   # where the frame is in a buffer
        .set    LONGEST, 1514

        .set    REQUEST, 42                 # UDP payload in a frame: 8 octets of the client's own,
        .set    SHORTEST, REQUEST + 16      # then answers and ticks, 32 bits each, little-endian

        .code16
        .globl  _start
_start: cli
        cld
        lgdtl   %cs:(tables - _start)
        movl    %cr0, %eax
        orb     $1, %al
        movl    %eax, %cr0
        ljmpl   $CODE, $flat

        .code32
flat:   movw    $DATA, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $STACK, %esp
        lidt    interrupts
        movl    $TICKS, %edi                # variables, queues and buffers begin as zeros
        xorl    %eax, %eax
        movl    $8, %ecx
        rep stosl
        movl    $RECEIVE, %edi
        movl    $0x8000 / 4, %ecx
        rep stosl
        call    chips
        call    card
rest:   movl    $STACK, %esp
        call    serve
        sti                                 # takes effect after the next instruction: no interrupt is slept through
        hlt
stop:   cli                                 # an interrupt does not come back here
        hlt
        jmp     stop

# ---- interrupts: the timer on IRQ 0, the card on IRQ 11

chips:  movl    $0x1b, %ecx                 # IA32_APIC_BASE: x2APIC mode
        rdmsr
        orl     $0x400, %eax
        wrmsr
        movl    $0x80f, %ecx                # spurious vector register: enabled
        movl    $0x1ff, %eax
        xorl    %edx, %edx
        wrmsr
        movl    $0x835, %ecx                # LINT0: the PIC's interrupts
        movl    $0x700, %eax
        wrmsr
        movb    $0x11, %al                  # PICs: vectors 20h and 28h, cascaded on IRQ 2
        outb    %al, $0x20
        outb    %al, $0xa0
        movb    $0x20, %al
        outb    %al, $0x21
        movb    $0x28, %al
        outb    %al, $0xa1
        movb    $4, %al
        outb    %al, $0x21
        movb    $2, %al
        outb    %al, $0xa1
        movb    $1, %al
        outb    %al, $0x21
        outb    %al, $0xa1
        movb    $0xfa, %al                  # IRQ 0 and the cascade
        outb    %al, $0x21
        movb    $0xf7, %al                  # IRQ 11
        outb    %al, $0xa1
        movw    $0x4d1, %dx                 # IRQ 11 is level-triggered
        movb    $0x08, %al
        outb    %al, %dx
        movl    $0x80000860, %eax           # 00:01.0, PIRQ routes: all to IRQ 11
        movl    $0x0b0b0b0b, %ebx
        call    configure
        movb    $0x34, %al                  # PIT: mode 2, 1193182 / 11932 Hz
        outb    %al, $0x43
        movb    $0x9c, %al
        outb    %al, $0x40
        movb    $0x2e, %al
        outb    %al, $0x40
        ret

configure:                                  # eax register, ebx value
        movw    $0xcf8, %dx
        outl    %eax, %dx
        movw    $0xcfc, %dx
        movl    %ebx, %eax
        outl    %eax, %dx
        ret

# A KVM without hardware below it has no IRET for protected mode. It is not needed: an interrupt comes only while the guest
# is halted, in the place from which "rest" begins anew, with interrupts off.

tick:   incl    TICKS
        movb    $0x20, %al
        outb    %al, $0x20
        jmp     rest

spurious:
        movb    $0x20, %al
        outb    %al, $0x20
        jmp     rest

service:movw    $PORTS + 19, %dx            # reading the interrupt status lowers the line
        inb     %dx, %al
        movb    $0x20, %al
        outb    %al, $0xa0
        outb    %al, $0x20
        jmp     rest

# ---- the card

card:   movl    $0x80001010, %eax           # 00:02.0, BAR 0
        movl    $PORTS, %ebx
        call    configure
        movl    $0x80001004, %eax           # command: ports and bus master
        movl    $5, %ebx
        call    configure
        movw    $PORTS + 18, %dx            # status: reset, then acknowledge and driver
        xorl    %eax, %eax
        outb    %al, %dx
        movb    $3, %al
        outb    %al, %dx
        movw    $PORTS + 4, %dx             # no feature at all
        xorl    %eax, %eax
        outl    %eax, %dx
        xorl    %ebx, %ebx                  # the address: octets 20 to 25
mac:    leal    PORTS + 20(%ebx), %edx
        inb     %dx, %al
        movb    %al, MAC(%ebx)
        incl    %ebx
        cmpl    $6, %ebx
        jb      mac
        movl    $0x00035a0a, IP             # 10.90.3.x, x as the address's last octet
        movb    %al, IP + 3
        xorl    %eax, %eax
        movl    $RECEIVE >> 12, %ebx
        call    queue
        movl    $1, %eax
        movl    $TRANSMIT >> 12, %ebx
        call    queue
        xorl    %ebx, %ebx                  # descriptors 2n and 2n + 1 are buffer n's header and frame
buffer: movl    %ebx, %edi
        shll    $5, %edi
        movl    %ebx, %eax
        shll    $BUFFER_SHIFT, %eax
        addl    $BUFFERS, %eax
        leal    1(%ebx,%ebx), %ecx
        shll    $16, %ecx                   # next
        leal    RECEIVE(%edi), %esi
        movl    $3, %edx                    # to be written by the device, more follows
        call    pair
        leal    TRANSMIT(%edi), %esi
        movl    $1, %edx                    # to be read, more follows
        call    pair
        movl    %ebx, %eax
        addl    %eax, %eax
        call    take_back
        incl    %ebx
        cmpl    $BUFFER_COUNT, %ebx
        jb      buffer
        movw    $PORTS + 18, %dx            # status: driver ready
        movb    $7, %al
        outb    %al, %dx
        ret

queue:                                      # eax number, ebx page
        movw    $PORTS + 14, %dx
        outw    %ax, %dx
        movw    $PORTS + 12, %dx
        inw     %dx, %ax
        cmpw    $QUEUE_SIZE, %ax
        jne     stop
        movw    $PORTS + 8, %dx
        movl    %ebx, %eax
        outl    %eax, %dx
        ret

pair:                                       # esi descriptors, eax buffer, edx flags, ecx next << 16
        movl    %eax, (%esi)
        movl    $HEADER, 8(%esi)
        orl     %ecx, %edx
        movl    %edx, 12(%esi)
        andl    $2, %edx                    # the frame's has the same direction and no next
        addl    $FRAME, %eax
        movl    %eax, 16(%esi)
        movl    $LONGEST, 24(%esi)
        movl    %edx, 28(%esi)
        subl    $FRAME, %eax
        ret

# ---- rings

take_back:                                  # eax descriptor of a buffer that the device may fill; keeps ebx
        movzwl  RECEIVE + AVAILABLE + 2, %ecx
        movzbl  %cl, %edx
        movw    %ax, RECEIVE + AVAILABLE + 4(%edx,%edx)
        incl    %ecx
        movw    %cx, RECEIVE + AVAILABLE + 2
        movb    $1, TO_RECEIVE
        ret

serve:  movb    $0, TO_RECEIVE
        movb    $0, TO_SEND
sent:   movzwl  SENT, %ebx                  # what was sent can be filled again
        cmpw    TRANSMIT + USED + 2, %bx
        je      taken
        movzbl  %bl, %ecx
        incl    %ebx
        movw    %bx, SENT
        movl    TRANSMIT + USED + 4(,%ecx,8), %eax
        call    take_back
        jmp     sent
taken:  movzwl  RECEIVED, %ebx
        cmpw    RECEIVE + USED + 2, %bx
        je      tell
        movzbl  %bl, %ecx
        incl    %ebx
        movw    %bx, RECEIVED
        movl    RECEIVE + USED + 4(,%ecx,8), %eax
        movl    RECEIVE + USED + 8(,%ecx,8), %ebp
        subl    $HEADER, %ebp
        call    look
        jmp     taken
tell:   cmpb    $0, TO_SEND
        je      1f
        movw    $PORTS + 16, %dx
        movw    $1, %ax
        outw    %ax, %dx
1:      cmpb    $0, TO_RECEIVE
        je      1f
        movw    $PORTS + 16, %dx
        xorl    %eax, %eax
        outw    %ax, %dx
1:      ret

# ---- frames

look:                                       # eax descriptor of a buffer that was filled with a frame of ebp octets
        pushl   %eax
        movl    %eax, %esi
        shll    $BUFFER_SHIFT - 1, %esi
        addl    $BUFFERS, %esi
        movl    $0, (%esi)                  # the header of what is sent: nothing left to do
        movl    $0, 4(%esi)
        movw    $0, 8(%esi)
        addl    $FRAME, %esi
        cmpl    $LONGEST, %ebp
        ja      ignore
        cmpl    $42, %ebp
        jb      ignore
        cmpw    $0x0608, 12(%esi)           # 0806h
        je      arp
        cmpw    $0x0008, 12(%esi)           # 0800h
        je      udp
ignore: popl    %eax
        jmp     take_back

arp:    cmpw    $0x0100, 20(%esi)           # a request
        jne     ignore
        movl    IP, %eax
        cmpl    %eax, 38(%esi)              # for this guest's hardware address
        jne     ignore
        movb    $2, 21(%esi)                # the answer
        movl    28(%esi), %ecx              # its target is who asked
        movl    %ecx, 38(%esi)
        movl    22(%esi), %ecx
        movl    %ecx, 32(%esi)
        movw    26(%esi), %cx
        movw    %cx, 36(%esi)
        movl    %eax, 28(%esi)              # its sender is the guest
        movl    MAC, %ecx
        movl    %ecx, 22(%esi)
        movw    MAC + 4, %cx
        movw    %cx, 26(%esi)
        jmp     answer

udp:    cmpl    $SHORTEST, %ebp
        jb      ignore
        cmpb    $0x45, 14(%esi)             # IPv4 without options
        jne     ignore
        cmpb    $17, 23(%esi)
        jne     ignore
        movl    IP, %eax
        cmpl    %eax, 30(%esi)
        jne     ignore
        cmpw    $0x0700, 36(%esi)           # port 7
        jne     ignore
        movl    26(%esi), %ecx              # addresses change places, which leaves the header's checksum right
        movl    %ecx, 30(%esi)
        movl    %eax, 26(%esi)
        movw    34(%esi), %cx               # ports
        movw    36(%esi), %dx
        movw    %cx, 36(%esi)
        movw    %dx, 34(%esi)
        movw    $0, 40(%esi)                # no checksum
        incl    ANSWERS
        movl    ANSWERS, %ecx
        movl    %ecx, REQUEST + 8(%esi)
        movl    TICKS, %ecx
        movl    %ecx, REQUEST + 12(%esi)

answer: movl    6(%esi), %ecx               # back to who sent it
        movl    %ecx, (%esi)
        movw    10(%esi), %cx
        movw    %cx, 4(%esi)
        movl    MAC, %ecx
        movl    %ecx, 6(%esi)
        movw    MAC + 4, %cx
        movw    %cx, 10(%esi)
        popl    %eax
        movl    %eax, %ecx
        shll    $4, %ecx
        movl    %ebp, TRANSMIT + 16 + 8(%ecx)   # the frame's descriptor: its length
        movzwl  TRANSMIT + AVAILABLE + 2, %ecx
        movzbl  %cl, %edx
        movw    %ax, TRANSMIT + AVAILABLE + 4(%edx,%edx)
        incl    %ecx
        movw    %cx, TRANSMIT + AVAILABLE + 2
        movb    $1, TO_SEND
        ret

# ---- tables

        .balign 8
gdt:    .quad   0
        .quad   0x00cf9b000000ffff          # flat code and data, accessed already: the CPU need not write here
        .quad   0x00cf93000000ffff
tables: .word   tables - gdt - 1
        .long   gdt

        .macro  gate handler
        .word   \handler - _start, CODE, 0x8e00, 0xf
        .endm
        .balign 8
gates:  .fill   0x20, 8, 0                  # an exception is a triple fault
        gate    tick
        .fill   6, 8, 0
        gate    rest                        # a spurious interrupt of the first PIC
        .fill   3, 8, 0
        gate    service
        .fill   3, 8, 0
        gate    spurious                    # and of the second, which the first takes for a real one
interrupts:
        .word   interrupts - gates - 1
        .long   gates

        .org    0xfff0
        .code16
        ljmp    $0xf000, $0
        .org    0x10000
