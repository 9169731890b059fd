/*
 * vlab-front is how vlab-init is started without its file ever being in a container's reach, and what `vlab-oci` is.
 *
 * It holds a copy of vlab-init and runs it from a sealed memory file (memfd_create(2)): what a container might open through
 * /proc/PID/exe cannot be written, and is not the file that the next start runs (CVE-2019-5736).
 *   vlab-front WORDS...     vlab-init WORDS...
 *   compiled as vlab-oci    asks the resident planner for the plans of this command, and performs them as vlab-init; where
 *                           none runs for this caller, it starts one that serves this command and no other
 * docs/planner.md specifies the request.
 */
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include <linux/un.h>
#include <asm/socket.h>
#include <asm/stat.h>
#include <asm/unistd.h>
#include "bare.h"
SYS6(sys6, "")
BARE_START

extern const u8 init_begin[], init_end[];
__asm__(".section .rodata\n.globl init_begin, init_end\ninit_begin: .incbin \"" VLAB_INIT "\"\ninit_end: .byte 0\n.text\n");

enum { CHANNEL = 3, STDERR = 2 };

static _Noreturn void quit(int code) { for (;;) sys(exit_group, code, 0, 0, 0); }
static u64 length(const char *text) {
  u64 n = 0;
  while (text[n]) n++;
  return n;
}
static _Noreturn void fail(const char *text) {
  sys(write, STDERR, text, length(text), 0);
  quit(1);
}

/* What is opened later must not become a standard descriptor. */
static void open_standard(void) {
  for (int fd = 0; fd < 3; fd++)
    if (sys(fcntl, fd, F_GETFD, 0, 0) < 0) sys(openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
}

static _Noreturn void become_init(char *const *argv, char *const *envp) {
  int fd = sys(memfd_create, "vlab-init", MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x10 /* MFD_EXEC */, 0, 0);
  if (fd < 0) fd = sys(memfd_create, "vlab-init", MFD_CLOEXEC | MFD_ALLOW_SEALING, 0, 0); /* before Linux 6.3 */
  for (const u8 *at = init_begin; at < init_end;) {
    long n = sys(write, fd, at, init_end - at, 0);
    if (n <= 0) fail("vlab-front: cannot copy vlab-init into a memory file\n");
    at += n;
  }
  sys(fcntl, fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, 0);
  sys6(__NR_execveat, fd, (long)"", (long)argv, (long)envp, AT_EMPTY_PATH, 0);
  fail("vlab-front: cannot run vlab-init from a memory file\n");
}

#ifdef VLAB_NODE /* compiled as vlab-oci: the paths of Node, of the command in JavaScript, and of the planner's socket */
enum { MAX_REQUEST = 1 << 18, MAX_DESCRIPTORS = 64, MAGIC = 0x49434f56 };
static struct request {
  u32 magic, bytes, args, variables, descriptors, umask_bits, pid;
  struct { u32 number, at, mode; } descriptor[MAX_DESCRIPTORS];
  char text[MAX_REQUEST]; /* working directory, words and environment, each with its NUL */
} request;

static char *put(char *to, const char *text) {
  while ((*to = *text++)) to++;
  return to;
}
static char *put_number(char *to, u64 n) {
  if (n > 9) to = put_number(to, n / 10);
  *to++ = '0' + n % 10;
  *to = 0;
  return to;
}

/* The planner's files and namespaces are this process's own, and it can do no more than this process. */
static int is_ours(int fd) {
  static const char *const places[] = {"root", "ns/user", "ns/mnt", "ns/net", "ns/pid", "ns/cgroup"};
  struct { s32 pid; u32 uid, gid; } peer = {0, 0, 0};
  u32 size = sizeof peer;
  if (sys6(__NR_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, (long)&peer, (long)&size, 0) || peer.pid <= 0
      || peer.uid != (u32)sys(geteuid, 0, 0, 0, 0) || peer.gid != (u32)sys(getegid, 0, 0, 0, 0)) return 0;
  for (int k = 0; k < 6; k++) {
    char path[64];
    struct stat mine, theirs;
    put(put(path, "/proc/self/"), places[k]);
    if (sys(newfstatat, AT_FDCWD, path, &mine, 0)) return 0;
    put(put(put_number(put(path, "/proc/"), peer.pid), "/"), places[k]);
    if (sys(newfstatat, AT_FDCWD, path, &theirs, 0)) return 0;
    if (mine.st_dev != theirs.st_dev || mine.st_ino != theirs.st_ino) return 0;
  }
  struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct mine[2], theirs[2];
  if (sys(capget, &head, mine, 0, 0)) return 0;
  head.pid = peer.pid;
  if (sys(capget, &head, theirs, 0, 0)) return 0;
  return !(theirs[0].effective & ~mine[0].effective) && !(theirs[1].effective & ~mine[1].effective);
}

/* 0: it does not fit. */
static char *put_strings(char *to, char *const *strings, u32 *count) {
  for (; *strings; strings++, ++*count) {
    if (to + length(*strings) + 1 > request.text + MAX_REQUEST) return 0;
    to = put(to, *strings) + 1;
  }
  return to;
}

/* Argv, working directory, environment, and the numbers and kinds of the descriptors, which stay here. 0: they do not fit. */
static int compose(int moved, char *const *argv, char *const *envp) {
  char *at = request.text;
  struct stat s;
  request.magic = MAGIC;
  for (u32 n = 0; n < MAX_DESCRIPTORS; n++) {
    u32 where = n == CHANNEL && moved >= 0 ? (u32)moved : n;
    if ((n != CHANNEL && (s32)n == moved) || (n == CHANNEL && moved < 0) || sys(fstat, where, &s, 0, 0)) continue;
    u32 slot = request.descriptors++;
    request.descriptor[slot].number = n;
    request.descriptor[slot].at = where;
    request.descriptor[slot].mode = s.st_mode;
  }
  request.umask_bits = sys(umask, 0, 0, 0, 0);
  sys(umask, request.umask_bits, 0, 0, 0);
  request.pid = sys(getpid, 0, 0, 0, 0);
  long cwd = sys(getcwd, at, 4096, 0, 0);
  if (cwd <= 0 || at[0] != '/') return 0;
  at = put_strings(at + cwd, argv + 1, &request.args);
  if (at) at = put_strings(at, envp, &request.variables);
  if (!at) return 0;
  request.bytes = at - (char *)&request;
  return 1;
}

static int ask(int fd) {
  for (u32 sent = 0; sent < request.bytes;) {
    long n = sys6(__NR_sendto, fd, (long)&request + sent, request.bytes - sent, 0x4000 /* MSG_NOSIGNAL */, 0, 0);
    if (n <= 0) return 0;
    sent += n;
  }
  return 1;
}

/* A socket to the resident planner, or less than 0. */
static int resident_planner(void) {
  struct sockaddr_un name = {1 /* AF_UNIX */, VLAB_SOCKET};
  int fd = sys(socket, 1, 1 /* SOCK_STREAM */ | O_CLOEXEC, 0, 0);
  if (fd >= 0 && !sys(connect, fd, &name, sizeof name, 0) && is_ours(fd)) return fd;
  if (fd >= 0) sys(close, fd, 0, 0, 0);
  return -1;
}

/* `name`: by it the runtime knows what it is there for. The place of the count makes room for one word more. */
static _Noreturn void become_node(u64 *stack, const char *name, char *const *envp) {
  const char **words = (const char **)stack;
  words[0] = name, words[1] = VLAB_MAIN;
  sys(execve, VLAB_NODE, words, envp, 0);
  fail("vlab-oci: cannot run " VLAB_NODE "; install it, or run `vlab oci install` again\n");
}

/*
 * A socket to a planner of this command's own, or less than 0: Node, in a session of its own, with nothing of the caller but
 * its environment and standard error. It ends by itself when this process has.
 */
static int own_planner(u64 *stack, char *const *envp) {
  int pair[2];
  if (sys(socketpair, 1, 1 /* SOCK_STREAM */ | O_CLOEXEC, 0, pair)) return -1;
  long pid = sys(clone, 17 /* SIGCHLD */, 0, 0, 0);
  if (pid == 0) {
    int none = sys(openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
    sys(setsid, 0, 0, 0, 0);
    if (pair[1] == CHANNEL) sys(fcntl, CHANNEL, F_SETFD, 0, 0);
    else sys(dup3, pair[1], CHANNEL, 0, 0);
    if (none >= 0) sys(dup3, none, 0, 0, 0), sys(dup3, none, 1, 0, 0);
    sys(close_range, CHANNEL + 1, ~0U, 0, 0);
    become_node(stack, "vlab-planner", envp);
  }
  sys(close, pair[1], 0, 0, 0);
  if (pid > 0) return pair[0];
  sys(close, pair[0], 0, 0, 0);
  return -1;
}

/* Performs what a planner decides; returns when there is none. */
static void through_planner(u64 *stack, char *const *argv, char *const *envp) {
  static const char *const perform[] = {"vlab-init", "perform", 0};
  static char *const none[] = {0};
  int moved = sys(fcntl, CHANNEL, F_DUPFD, MAX_DESCRIPTORS, 0); /* what the caller passed as the channel's number */
  if (compose(moved, argv, envp)) {
    int fd = resident_planner();
    if (fd < 0) fd = own_planner(stack, envp);
    if (fd >= 0 && ask(fd) && (fd == CHANNEL || sys(dup3, fd, CHANNEL, O_CLOEXEC, 0) == CHANNEL)) {
      sys(fcntl, CHANNEL, F_SETFD, 0, 0);
      become_init((char *const *)perform, none);
    }
    if (fd >= 0) sys(close, fd, 0, 0, 0);
  }
  if (moved >= 0) sys(close, moved, 0, 0, 0);
}
#endif

void *memcpy(void *to, const void *from, u64 n) { /* the compiler calls these two for structures */
  while (n-- > 0) ((u8 *)to)[n] = ((const u8 *)from)[n];
  return to;
}
void *memset(void *to, int value, u64 n) {
  while (n-- > 0) ((u8 *)to)[n] = value;
  return to;
}

__attribute__((used)) _Noreturn void start(u64 *stack) {
  char *const *argv = (char *const *)(stack + 1), *const *envp = argv + stack[0] + 1;
#ifdef VLAB_NODE
  open_standard();
  through_planner(stack, argv, envp);
  become_node(stack, VLAB_NODE, envp);
#else
  open_standard();
  become_init(argv, envp);
#endif
}
