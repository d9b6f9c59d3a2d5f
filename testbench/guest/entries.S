// Where the CPU enters on exceptions and interrupts: 256 entries of kEntrySize bytes each, see descriptors.cpp. All run on
// stacks of their own, so that what was interrupted keeps its red zone and an overflown stack can be reported.

.section .text
.balign 16
.global interrupt_entries
interrupt_entries:
.set vector, 0
.rept 256
    .balign 16
    // The CPU pushes an error code for some exceptions; the others get a 0 in its place (Intel SDM, volume 3, 6.13).
    .if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
    push $0
    .endif
    push $vector
    .if vector < 32
    jmp exception
    .else
    jmp interrupt
    .endif
    .set vector, vector + 1
.endr

// Pushes all general registers, in the order of guest::ExceptionFrame.
exception:
    push %rax
    push %rbx
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %rbp
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %rdi
    and $-16, %rsp
    cld
    call ringside_guest_exception

// C++ saves the rest, and does not touch the registers of SSE: its file is compiled without them.
interrupt:
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    mov 72(%rsp), %rdi // the vector
    cld
    // The CPU aligned the stack to 16 and pushed 5 words, we 11: aligned again.
    call ringside_guest_interrupt
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

.section .note.GNU-stack, "", @progbits
