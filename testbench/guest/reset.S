// The ROM: the image, and what the CPU executes after reset. It ends at 4 GiB, with the reset vector in its last 16
// bytes (Intel SDM, volume 3, 10.1.4). Nothing else of the machine is touched: what the driver finds is power-on state.

.set IMAGE_BASE, 0x100000
.set CR0_PROTECTION, 1
.set CR0_CACHE_OFF, 3 << 29

.section .image, "a"
.balign 4
image_begin:
    .incbin GUEST_IMAGE
.balign 4
image_end:

.section .reset, "ax"
.code16
.global reset
reset:
    cli
    cld
    // Real mode with a code segment based 64 KiB below 4 GiB: an offset there is the address's lower half.
    lgdtl %cs:(gdt_pointer - 0xffff0000)
    mov %cr0, %eax
    and $~CR0_CACHE_OFF, %eax
    or $CR0_PROTECTION, %eax
    mov %eax, %cr0
    ljmpl $8, $protected_mode

.code32
protected_mode:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $image_begin, %esi
    mov $IMAGE_BASE, %edi
    mov $(image_end - image_begin) / 4, %ecx
    rep movsl
    mov $IMAGE_BASE, %eax
    jmp *%eax

.balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff // code, 32-bit, 4 GiB; accessed already, for a ROM cannot be marked
    .quad 0x00cf93000000ffff // data
gdt_pointer:
    .word . - gdt - 1
    .long gdt

.section .vector, "ax"
.code16
    jmp reset
    .balign 16, 0

.section .note.GNU-stack, "", @progbits
