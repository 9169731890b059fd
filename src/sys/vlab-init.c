/*
 * vlab-init performs plans: lists of system calls that were decided elsewhere. It knows nothing of
 * containers or virtual machines. docs/plan-format.md specifies plan, channel and launcher.
 *   vlab-init perform     plans from descriptor 3 (a socket) until that hangs up; it answers there
 *   vlab-init serve DIR   the launcher: plans from DIR/launcher.sock, a process for each
 *   /init (process 1)     one plan, read from /plan
 * No C library: it starts at the speed of a fork, and every system call in it can be seen.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/un.h>
#include <linux/wait.h>
#include <asm/signal.h>
#include <asm/socket.h>
#include <asm/unistd.h>
#include "bare.h"
enum { MAGIC = 0x31504c56, LAST_WORD = 0x30504c56, PAGE = 4096 };
enum { MAX_STEPS = 8192, MAX_IMAGE = 1 << 24, MAX_RELOCS = 65536 };
enum { NUMBER, ADDRESS, WORD32, WORD64 };                            /* kinds of arguments */
enum { RETRY = 1, JUMP_POSITIVE = 2, JUMP_ZERO = 4, ALL_FLAGS = 7 }; /* flags of a step */
enum { ENDED = 2, REJECTED = 3, REFUSED = 4 };                       /* frames; 1 is the plan's */
enum { NO_RESULT = -1, CHANNEL = 3, MAX_REPLY = 65536, MAX_JOBS = 8192, IDLE_MS = 60000 };

struct head { u32 magic, machine; u64 version; u32 steps, image, data, relocs, reply_at, reply; };
struct step {
  u32 nr; u16 flags, jump; u8 kind[8]; u64 arg[6]; s64 min, max; s32 result; u16 tolerate[6];
};
struct frame { u32 type, length; s32 step, reason; s64 result; u64 received_ns, ended_ns; };
/* A loaded plan: this page (all processes of the plan write it), then the message (read-only), then
 * the image (writable, shared by them all), then a page that cannot be touched. */
struct plan {
  s32 failed_step, clones; s64 result;
  struct head *head; struct step *steps; u32 *relocs; u8 *image; u64 size;
};

#ifdef VLAB_HOSTED /* the fuzzer's build: nothing is performed, its harness only records */
long sys6(long nr, long a, long b, long c, long d, long e, long f);
long spawn(long nr, long args, long size, long plan, long unused, long next, long unused2);
#else
#ifdef __x86_64__
SYS6(spawn, "; test %%rax,%%rax; jnz 1f; call go_on; 1:")
#else
SYS6(spawn, "; cbnz x0,1f; bl go_on; 1:")
#endif
SYS6(sys6, "")
BARE_START
#endif
static u64 now_ns(void) {
  struct { s64 sec, ns; } t = {0, 0};
  sys(clock_gettime, 1 /* CLOCK_MONOTONIC */, &t, 0, 0);
  return t.sec * 1000000000UL + t.ns;
}
static _Noreturn void quit(int code) { /* a filter may forbid to end in peace */
  for (;;) sys(exit_group, code, 0, 0, 0), __builtin_trap();
}
static u64 page_up(u64 n) { return (n + PAGE - 1) & ~(PAGE - 1UL); }
static u64 message_bytes(const struct head *h) {
  return sizeof *h + h->steps * sizeof(struct step) + (h->relocs * 4UL + 7 & ~7UL);
}

static int head_ok(const struct head *h) {
  return h->magic == MAGIC && h->machine == VLAB_MACHINE && h->version == VLAB_VERSION
    && h->steps > 0 && h->steps <= MAX_STEPS && h->image >= 8 && h->image <= MAX_IMAGE
    && h->image % 8 == 0 && h->data <= h->image && h->relocs <= MAX_RELOCS
    && h->reply <= MAX_REPLY && (u64)h->reply_at + h->reply <= h->image;
}

/* Reserves the memory of a plan whose head was read and is good. 0: there is none. */
static struct plan *plan_new(const struct head *h) {
  u64 body = page_up(message_bytes(h)), size = PAGE + body + page_up(h->image) + PAGE;
  long at = sys6(__NR_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at < 0 && at > -4096) return 0;
  struct plan *p = (struct plan *)at;
  struct head *copy = (struct head *)(at + PAGE);
  struct step *steps = (struct step *)(copy + 1);
  *copy = *h;
  *p = (struct plan){-1, 0, 0, copy, steps, (u32 *)(steps + h->steps), (u8 *)copy + body, size};
  return p;
}

/* Checks the whole plan before anything is performed, then makes addresses of offsets.
 * -1: good; otherwise the bad step, or the number of steps for a bad relocation. */
static s32 plan_check(struct plan *p) {
  const struct head *h = p->head;
  for (u32 i = 0; i < h->steps; i++) {
    const struct step *s = &p->steps[i];
    int bad = s->flags > ALL_FLAGS || (s->jump && (s->jump <= i || s->jump > h->steps))
      || (!s->jump && s->flags & (JUMP_POSITIVE | JUMP_ZERO)) || s->kind[6] || s->kind[7]
      || (s->result != NO_RESULT && (s->result < 0 || s->result % 8 || s->result + 8UL > h->image));
    for (int k = 0; k < 6; k++) {
      u64 width = s->kind[k] == WORD32 ? 4 : s->kind[k] == WORD64 ? 8 : 0;
      bad |= s->kind[k] > WORD64 || (width && s->arg[k] % width)
        || (s->kind[k] != NUMBER && (s->arg[k] > h->image || s->arg[k] + width > h->image));
    }
    if (bad) return i;
    p->clones |= s->nr == __NR_clone3;
  }
  for (u32 i = 0; i < h->relocs; i++)
    if (p->relocs[i] % 8 || p->relocs[i] + 8UL > h->image || (i && p->relocs[i] <= p->relocs[i - 1])
        || *(u64 *)(p->image + p->relocs[i]) > h->image) return h->steps;
  for (u32 i = 0; i < h->relocs; i++) *(u64 *)(p->image + p->relocs[i]) += (u64)p->image;
  sys(mprotect, p->head, page_up(message_bytes(h)), PROT_READ, 0);
  sys(mprotect, (u8 *)p + p->size - PAGE, PAGE, PROT_NONE, 0);
  return -1;
}

/* Performs the plan from step i on. */
static void perform(struct plan *p, u32 i) {
  while (i < p->head->steps) {
    const struct step *s = &p->steps[i];
    long a[6], r, tolerated = 0;
    for (int k = 0; k < 6; k++) {
      u8 *at = p->image + (s->kind[k] == NUMBER ? 0 : s->arg[k]);
      a[k] = s->kind[k] == ADDRESS ? (long)at : s->kind[k] == WORD32 ? *(s32 *)at
        : s->kind[k] == WORD64 ? *(s64 *)at : (long)s->arg[k];
    }
    do r = s->nr != __NR_clone3 ? sys6(s->nr, a[0], a[1], a[2], a[3], a[4], a[5])
      : spawn(s->nr, a[0], a[1], (long)p, 0, s->flags & JUMP_ZERO ? s->jump : i + 1, 0);
    while (r == -EINTR && s->flags & RETRY);
    if (s->result != NO_RESULT) *(s64 *)(p->image + s->result) = r;
    for (int k = 0; k < 6; k++) tolerated |= s->tolerate[k] && r == -(long)s->tolerate[k];
    if (tolerated) i = s->jump ? s->jump : i + 1;
    else if (r < s->min || r > s->max) { /* of all its processes' failures the first is told */
      s32 none = -1, here = i;
      if (__atomic_compare_exchange_n(&p->failed_step, &none, here, 0, 5, 5)) p->result = r;
      return;
    } else if ((r > 0 && s->flags & JUMP_POSITIVE) || (r == 0 && s->flags & JUMP_ZERO)) i = s->jump;
    else i++;
  }
}
/* A cloned child, on the stack that its plan gave it or on its copy; called by spawn's assembly. */
__attribute__((used)) _Noreturn void go_on(long a, long b, struct plan *p, long d, u64 next) {
  (void)a, (void)b, (void)d, perform(p, next), quit(p->failed_step >= 0 ? 125 : 0);
}

/* Sends a frame; the one that ends a plan carries the slice of the image that was asked for. */
static void tell(int fd, u32 type, const struct plan *p, s32 step, s32 reason, u64 received_ns) {
  static u8 out[sizeof(struct frame) + MAX_REPLY]; struct frame *f = (struct frame *)out;
  *f = (struct frame){type, 0, step, reason, p ? p->result : 0, received_ns, now_ns()};
  if (p) f->length = p->head->reply;
  for (u32 i = 0; i < f->length; i++) out[sizeof *f + i] = p->image[p->head->reply_at + i];
  sys6(__NR_sendto, fd, (long)out, sizeof *f + f->length, 0x4000 /* MSG_NOSIGNAL */, 0, 0);
  if (type == REFUSED) sys(shutdown, fd, 1 /* SHUT_WR */, 0, 0); /* it reads why, then hangs up */
}
static int read_all(int fd, void *to, u64 bytes) {
  for (long n; bytes > 0; bytes -= n, to = (u8 *)to + n)
    if ((n = sys(read, fd, to, bytes, 0)) == -EINTR) n = 0; else if (n <= 0) return 0;
  return 1;
}
static char *put(char *to, const char *text) { while ((*to = *text++)) to++; return to; }
static char *put_number(char *to, u64 n) {
  if (n > 9) to = put_number(to, n / 10);
  return *to++ = '0' + n % 10, *to = 0, to;
}

/* A job of the launcher: a connection and its performer. */
static struct job { int used, fd, pidfd; } jobs[MAX_JOBS];
static int epoll, alive, self;
static void watch(int op, int fd, u64 data, u32 events) {
  struct epoll_event e = {events, data};
  sys(epoll_ctl, epoll, op, fd, &e);
}

/* Reads a plan, performs it, answers. received_ns: when it came, or 0; j: the launcher's. A result
 * below 0 is the end of the channel, and holds the exit code: -1 is 0, -126 is 125. */
static int one_plan(int fd, int guest, struct job *j, u64 received_ns) {
  struct head h = {0}; struct plan *p = 0; s32 bad = -1;
  if (!read_all(fd, &h, sizeof h) && !guest) return -126;
  if (h.magic == LAST_WORD && !guest) return -1 - (s32)(h.machine & 255); /* how to end */
  if (!received_ns) received_ns = now_ns();
  if (!head_ok(&h) || !(p = plan_new(&h)) || !read_all(fd, p->steps, message_bytes(&h) - sizeof h)
      || !read_all(fd, p->image, h.data) || (bad = plan_check(p)) >= 0) {
    if (guest) sys(write, 2, "vlab-init: malformed plan\n", 26, 0);
    else tell(fd, REJECTED, 0, bad, 0, received_ns);
    return guest ? 125 : -126;
  }
  if (j) { /* what comes now is no plan: the launcher may look for a hang-up and the detach byte */
    watch(EPOLL_CTL_ADD, fd, (j - jobs) << 1, EPOLLRDHUP);
    sys(dup3, fd, CHANNEL, O_CLOEXEC, 0);
    sys(close_range, (fd = CHANNEL) + 1, ~0U, 0, 0);
  }
  s64 r = (perform(p, 0), p->result);
  if (guest && p->failed_step >= 0) { /* nobody to answer to: the console is told */
    char text[80], *end = put_number(put(text, "vlab-init: step "), p->failed_step);
    end = put_number(put(end, r < 0 ? " errno " : " result "), r < 0 ? -(u64)r : (u64)r);
    sys(write, 2, text, put(end, "\n") - text, 0);
  } else if (!guest) tell(fd, ENDED, p, p->failed_step, 0, received_ns);
  s32 failed = p->failed_step;
  if (!guest && !p->clones) sys(munmap, p, p->size, 0, 0); /* what it cloned may still be in it */
  return failed >= 0 ? 125 : 0;
}
static void hang_up(struct job *j) { /* out of the set too: the performer still holds the socket */
  if (j->fd >= 0) watch(EPOLL_CTL_DEL, j->fd, 0, 0), sys(close, j->fd, 0, 0, 0), j->fd = -1;
}
static void job_end(struct job *j) {
  watch(EPOLL_CTL_DEL, j->pidfd, 0, 0), sys(close, j->pidfd, 0, 0, 0);
  hang_up(j), j->used = 0, alive--;
}

/* Only the same user in the same namespaces is served. */
static int peer_ok(int fd) {
  static const char *const kinds[] = {"user", "mnt", "net", "pid", "ipc", "uts", "cgroup"};
  struct { s32 pid; u32 uid, gid; } peer = {0, 0, 0}; u32 len = sizeof peer;
  if (sys6(__NR_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, (long)&peer, (long)&len, 0)
      || peer.pid <= 0 || peer.uid != (u32)sys(geteuid, 0, 0, 0, 0)) return 0;
  for (int k = 0; k < 7; k++) {
    char path[64], link[2][64] = {{0}, {0}};
    for (int other = 0; other < 2; other++) {
      put(put(put_number(put(path, "/proc/"), other ? peer.pid : self), "/ns/"), kinds[k]);
      if (sys(readlinkat, AT_FDCWD, path, link[other], 63) <= 0) return 0;
    }
    for (int c = 0; c < 64; c++) if (link[0][c] != link[1][c]) return 0;
  }
  return 1;
}

/* Forks a performer for each connection. No plan waits for that, but for one that came at once; and
 * a failed setns or chdir of one plan never poisons the launcher. */
static void job_accept(int listener) {
  int at = 0, fd = sys(accept4, listener, 0, 0, O_CLOEXEC);
  u64 connected_ns = now_ns(); u8 byte;
  if (fd < 0) return;
  while (at < MAX_JOBS && jobs[at].used) at++;
  struct job *j = &jobs[at];
  struct clone_args c = {.flags = CLONE_PIDFD, .pidfd = (u64)&j->pidfd, .exit_signal = SIGCHLD};
  long pid = at == MAX_JOBS ? -EAGAIN
    : peer_ok(fd) ? sys(clone3, &c, CLONE_ARGS_SIZE_VER0, 0, 0) : -EPERM;
  if (pid == 0) {
    if (sys(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0) || sys(getppid, 0, 0, 0, 0) != self) quit(125);
    sys(close_range, CHANNEL, epoll - 1, 0, 0); /* all but the set and the younger connection */
    sys(close_range, epoll + 1, fd - 1, 0, 0), sys(close_range, fd + 1, ~0U, 0, 0);
    int early = sys6(__NR_recvfrom, fd, (long)&byte, 1, 0x42 /* PEEK, DONTWAIT */, 0, 0) == 1;
    quit(one_plan(fd, 0, j, early ? connected_ns : 0));
  }
  if (pid > 0) watch(EPOLL_CTL_ADD, j->pidfd, at << 1 | 1, EPOLLIN);
  else tell(fd, REFUSED, 0, -1, -pid, connected_ns), watch(EPOLL_CTL_ADD, fd, at << 1, EPOLLRDHUP);
  if (at == MAX_JOBS) sys(close, fd, 0, 0, 0);
  else *j = (struct job){1, fd, pid > 0 ? j->pidfd : -1}, alive++;
}

/* The client is gone: unless it left a byte behind the plan ("detach"), its performer dies too. */
static void job_orphan(struct job *j) {
  u8 byte;
  if (j->pidfd < 0) job_end(j);
  else if (sys6(__NR_recvfrom, j->fd, (long)&byte, 1, 0x40 /* MSG_DONTWAIT */, 0, 0) != 1)
    sys(pidfd_send_signal, j->pidfd, SIGKILL, 0, 0);
  hang_up(j);
}
static int serve(const char *dir) {
  struct sockaddr_un name = {1 /* AF_UNIX */, "launcher.sock"};
  int listener = sys(socket, 1, 1 /* SOCK_STREAM */ | O_CLOEXEC | O_NONBLOCK, 0, 0);
  self = sys(getpid, 0, 0, 0, 0);
  sys(umask, 0177, 0, 0, 0); /* for the mode of the socket */
  int lock = sys(chdir, dir, 0, 0, 0) ? -1
    : sys(openat, AT_FDCWD, "launcher.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct { u16 type, whence; s64 start, length; s32 pid; } all = {1 /* F_WRLCK */, 0, 0, 0, 0};
  if (sys(fcntl, lock, 6 /* F_SETLK: performers do not inherit it */, &all, 0)) return 0;
  sys(unlinkat, AT_FDCWD, name.sun_path, 0, 0);
  if (sys(bind, listener, &name, sizeof name, 0) || sys(listen, listener, 4096, 0, 0)) return 125;
  sys(umask, 077, 0, 0, 0);
  epoll = sys(epoll_create1, O_CLOEXEC, 0, 0, 0);
  watch(EPOLL_CTL_ADD, listener, ~0UL, EPOLLIN);
  for (;;) {
    struct epoll_event e = {0, 0};
    long n = sys6(__NR_epoll_pwait, epoll, (long)&e, 1, alive ? -1 : IDLE_MS, 0, 8);
    struct job *j = &jobs[(e.data >> 1) % MAX_JOBS];
    if (n == 0 && !alive) return sys(unlinkat, AT_FDCWD, name.sun_path, 0, 0);
    if (n <= 0) continue;
    if (e.data == ~0UL) job_accept(listener);
    else if (e.data & 1) { /* the performer has ended, and has answered by itself */
      sys6(__NR_waitid, P_PIDFD, j->pidfd, 0, WEXITED, 0, 0);
      job_end(j);
    } else job_orphan(j);
  }
}

#ifndef VLAB_HOSTED
void *memcpy(void *to, const void *from, u64 n) { /* the compiler calls it to copy structures */
  while (n-- > 0) ((u8 *)to)[n] = ((const u8 *)from)[n];
  return to;
}
__attribute__((used)) _Noreturn void start(u64 *stack) {
  const char *const *argv = (const char *const *)(stack + 1);
  if (sys(getpid, 0, 0, 0, 0) == 1 && argv[0][0] == '/')
    quit(one_plan(sys(openat, AT_FDCWD, "/plan", O_RDONLY | O_CLOEXEC, 0), 1, 0, 0));
  if (stack[0] == 3 && argv[1][0] == 's') quit(serve(argv[2]));
  sys(fcntl, CHANNEL, F_SETFD, FD_CLOEXEC, 0);
  for (int next;;) /* 125 unless the client's last word is another */
    if ((next = one_plan(CHANNEL, 0, 0, now_ns())) < 0) quit(-1 - next);
}
#endif
