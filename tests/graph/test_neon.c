/* test_neon.c - runs tools/test-neon, which cross-compiles the kernels and checks the NEON path under qemu; skipped where the tools are
 * missing. Checking it once a machine is enough: not under sanitizers (they do not reach the emulated program), not on aarch64 (the other
 * tests run NEON there). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { SKIPPED = 77 };

int main(void)
{
#if defined(ANDON_SANITIZED) || defined(__aarch64__)
    puts("skipped: covered elsewhere");
    return SKIPPED;
#else
    int status = system("'" AN_SOURCE_DIR "/tools/test-neon'");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
#endif
}
