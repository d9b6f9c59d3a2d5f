// libsystemc brings a main() that calls sc_main(). The programs here have a main() of their own and start the kernel
// when they need it, but the library still wants the symbol.
#include <systemc>

int sc_main(int, char*[]) { return 0; }
