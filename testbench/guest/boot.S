// From 32-bit protected mode with paging off, where a Multiboot loader and our own ROM both start us, to 64-bit C++ with
// the first 4 GiB mapped one to one. paging.cpp makes the tables that are meant to last.

.set MULTIBOOT_MAGIC, 0x1badb002
.set MULTIBOOT_FLAGS, 0

.set PRESENT_WRITABLE, 0x3
.set LARGE_PAGE, 0x80
.set CR0_PAGING, 1 << 31
.set CR0_WRITE_PROTECT, 1 << 16
.set CR0_MONITOR_COPROCESSOR, 1 << 1
.set CR0_CACHE_OFF, 3 << 29
.set CR0_EMULATION, 1 << 2
.set CR4_PAE, 1 << 5
.set CR4_SSE, 3 << 9
.set MSR_EFER, 0xc0000080
.set EFER_LONG_MODE, 1 << 8

.section .start, "ax"
.code32
// The first byte of the image: the ROM knows no symbols.
.global start
start:
    cli
    cld
    jmp 1f

.balign 4
.long MULTIBOOT_MAGIC
.long MULTIBOOT_FLAGS
.long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

    // The ROM holds no zeroes for .bss, and a loader's are not counted on.
1:  mov $bss_begin, %edi
    mov $bss_end, %ecx
    sub %edi, %ecx
    xor %eax, %eax
    rep stosb

    // One page-map entry, four directories' worth of 2 MiB pages.
    mov $boot_directory_pointers + PRESENT_WRITABLE, %eax
    mov %eax, boot_page_map
    mov $boot_directories + PRESENT_WRITABLE, %eax
    xor %ecx, %ecx
2:  mov %eax, boot_directory_pointers(, %ecx, 8)
    add $0x1000, %eax
    inc %ecx
    cmp $4, %ecx
    jne 2b
    mov $PRESENT_WRITABLE + LARGE_PAGE, %eax
    xor %ecx, %ecx
3:  mov %eax, boot_directories(, %ecx, 8)
    add $0x200000, %eax
    inc %ecx
    cmp $2048, %ecx
    jne 3b

    mov $boot_page_map, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $CR4_PAE + CR4_SSE, %eax
    mov %eax, %cr4
    mov $MSR_EFER, %ecx
    rdmsr
    or $EFER_LONG_MODE, %eax
    wrmsr
    mov %cr0, %eax
    and $~(CR0_EMULATION + CR0_CACHE_OFF), %eax
    or $CR0_PAGING + CR0_WRITE_PROTECT + CR0_MONITOR_COPROCESSOR, %eax
    mov %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $8, $long_mode

.code64
long_mode:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov %eax, %ss
    mov $main_stack_top, %esp
    xor %ebp, %ebp // where a walk over frames ends
    call guest_main

.section .rodata
.balign 8
boot_gdt:
    .quad 0
    .quad 0x00209a0000000000 // code, 64-bit
    .quad 0x0000920000000000 // data
boot_gdt_pointer:
    .word . - boot_gdt - 1
    .long boot_gdt

// Each stack has a page below it that paging.cpp leaves unmapped.
.macro STACK name, bytes
.global \name\()_guard
.global \name\()_top
\name\()_guard:
    .skip 4096
    .skip \bytes
\name\()_top:
.endm

.bss
.balign 4096
boot_page_map:
    .skip 4096
boot_directory_pointers:
    .skip 4096
boot_directories:
    .skip 4 * 4096
STACK main_stack, 0x40000
STACK fault_stack, 0x4000
STACK interrupt_stack, 0x4000

.section .note.GNU-stack, "", @progbits
