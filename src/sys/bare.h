/*
 * A program without a C library: it starts at the speed of a fork, and every system call in it can be seen. For vlab-init
 * and vlab-front, for x86_64 and aarch64.
 */
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;
typedef unsigned long u64; typedef int s32; typedef long s64;

/* Defines a function that makes a system call; `then` is assembly that follows the call. */
#ifdef __x86_64__
#define SYS6(name, then) \
  static long name(long nr, long a, long b, long c, long d, long e, long f) { \
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f; \
    __asm__ volatile("syscall" then : "+a"(nr) \
      : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory"); \
    return nr; \
  }
#define BARE_START \
  __asm__(".globl _start\n_start: xor %ebp,%ebp\n mov %rsp,%rdi\n and $-16,%rsp\n call start\n");
#else
#define SYS6(name, then) \
  static long name(long nr, long a, long b, long c, long d, long e, long f) { \
    register long x8 __asm__("x8") = nr, x0 __asm__("x0") = a, x1 __asm__("x1") = b, \
      x2 __asm__("x2") = c, x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f; \
    __asm__ volatile("svc 0" then : "+r"(x0) \
      : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory"); \
    return x0; \
  }
#define BARE_START \
  __asm__(".globl _start\n_start: mov x29,#0\n mov x0,sp\n and sp,x0,#-16\n bl start\n");
#endif
#define sys(nr, a, b, c, d) sys6(__NR_##nr, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
