// From the Multiboot loader (32-bit protected mode, paging off) to 64-bit C++ with the first 4 GiB mapped one to one.

.set MULTIBOOT_MAGIC, 0x1badb002
.set MULTIBOOT_FLAGS, 0

.section .multiboot, "a"
.balign 4
.long MULTIBOOT_MAGIC
.long MULTIBOOT_FLAGS
.long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

.set PRESENT_WRITABLE, 0x3
.set LARGE_PAGE, 0x80
.set CR0_PAGING, 1 << 31
.set CR0_MONITOR_COPROCESSOR, 1 << 1
.set CR0_EMULATION, 1 << 2
.set CR4_PAE, 1 << 5
.set CR4_SSE, 3 << 9
.set MSR_EFER, 0xc0000080
.set EFER_LONG_MODE, 1 << 8

.text
.code32
.global start
start:
    cli
    cld
    mov $stack_top, %esp

    // One page-map entry, four directories' worth of 2 MiB pages.
    mov $directory_pointers + PRESENT_WRITABLE, %eax
    mov %eax, page_map
    mov $directories + PRESENT_WRITABLE, %eax
    xor %ecx, %ecx
1:  mov %eax, directory_pointers(, %ecx, 8)
    add $0x1000, %eax
    inc %ecx
    cmp $4, %ecx
    jne 1b
    mov $PRESENT_WRITABLE + LARGE_PAGE, %eax
    xor %ecx, %ecx
2:  mov %eax, directories(, %ecx, 8)
    add $0x200000, %eax
    inc %ecx
    cmp $2048, %ecx
    jne 2b

    mov $page_map, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $CR4_PAE + CR4_SSE, %eax
    mov %eax, %cr4
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LONG_MODE, %eax
    wrmsr
    mov %cr0, %eax
    and $~CR0_EMULATION, %eax
    or $CR0_PAGING + CR0_MONITOR_COPROCESSOR, %eax
    mov %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $long_mode

.code64
long_mode:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    call kernel_main
3:  hlt
    jmp 3b

.section .rodata
.balign 8
gdt:
    .quad 0
    .quad 0x00209a0000000000 // code, 64-bit
    .quad 0x0000920000000000 // data
gdt_pointer:
    .word . - gdt - 1
    .long gdt

.bss
.balign 4096
page_map:
    .skip 4096
directory_pointers:
    .skip 4096
directories:
    .skip 4 * 4096
stack:
    .skip 65536
stack_top:

.section .note.GNU-stack, "", @progbits
