/* How the floors make a process. */
#include <errno.h>
#include <linux/sched.h>
#include <stdint.h>
#include <sys/syscall.h>

/* clone3 onto a stack of its own, sharing the memory: nothing is copied that exec would throw away. */
static long spawn(struct clone_args *args, int (*child)(void *)) {
	static char stack[65536] __attribute__((aligned(16)));
	args->stack = (uint64_t)stack, args->stack_size = sizeof stack;
#if defined(__x86_64__)
	long result;
	__asm__ volatile("syscall\n test %%rax,%%rax\n jnz 1f\n xor %%ebp,%%ebp\n xor %%edi,%%edi\n call *%4\n"
		" mov %%eax,%%edi\n mov $231,%%eax\n syscall\n 1:"
		: "=a"(result) : "0"((long)SYS_clone3), "D"(args), "S"(sizeof *args), "r"(child)
		: "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_clone3, result __asm__("x0") = (long)args, x1 __asm__("x1") = sizeof *args;
	__asm__ volatile("svc 0\n cbnz x0,1f\n mov x29,#0\n blr %3\n mov x8,#94\n svc 0\n 1:"
		: "+r"(result) : "r"(x8), "r"(x1), "r"(child) : "memory", "cc", "x2", "x3", "x4", "x5", "x6", "x7", "x30");
#endif
	if (result >= 0) return result;
	errno = -result;
	return -1;
}
