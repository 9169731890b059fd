/*
 * vlab-keep stays with a container that runs by itself: it writes what the container says into files, shows it to clients of
 * a socket and passes on what they type. When the container's first process has ended, it becomes vlab-init, which performs
 * the plan of the end: vlab-keep is the parent, and decides nothing. docs/engine-files.md specifies lines and frames.
 *   vlab-keep HOW MAX_BYTES MAX_FILES
 * HOW: t, one terminal; o, input ends with the first client's; l, there is a log. MAX_BYTES 0: the log never has a successor.
 * No C library: one of it is there for each container, and most of the time it waits.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <asm/ioctls.h>
#include <asm/socket.h>
#include <asm/unistd.h>
#include "bare.h"
SYS6(sys6, "")
BARE_START
enum { CALLER = 200, PIDFD, LISTENER, OUTPUT, ERRORS, INPUT, LOG_DIR, EXIT_FILE, PERFORMER, END_PLAN };
enum { F_INPUT, F_STDOUT, F_STDERR, F_INPUT_END, F_SIZE, F_END, F_HELLO }; /* frames */
enum { CLIENTS = 16, CHUNK = 32768, QUEUE = 1 << 19, LINE = 16384, HEAD = 8, NO_SIGNAL = 0x4000, DONT_WAIT = 0x40 };

struct frame { u32 type, bytes; };
/* `waits`: the container waits for it; others are hung up on when their queue is full. `gives`: its end is that of input. */
static struct client { s32 fd, waits, gives, blocked; u32 have, left, queued; u8 *in, *queue; } clients[CLIENTS];
static u8 ins[CLIENTS][4096], queues[CLIENTS][QUEUE]; /* memory that no client has needed is none */
static struct stream { s32 fd; u32 used; const char *name; u8 line[LINE]; } streams[2];
static u8 chunk[HEAD + CHUNK], block[CHUNK + LINE + 128];
static int log_fd = -1, terminal, once, input;
static u64 log_bytes, max_bytes, max_files, lost;

static void copy(void *to, const void *from, u64 n) { for (u64 i = 0; i < n; i++) ((u8 *)to)[i] = ((const u8 *)from)[i]; }
void *memcpy(void *to, const void *from, u64 n) { copy(to, from, n); return to; } /* the compiler's */
static u8 *text(u8 *to, const char *from) { while (*from) *to++ = *from++; return to; }
static u8 *digits(u8 *to, u64 n, int width) {
  for (int i = width; i-- > 0; n /= 10) to[i] = '0' + n % 10;
  return to + width;
}
static u8 *decimal(u8 *to, u64 n) {
  int width = 1;
  for (u64 m = n; m > 9; m /= 10) width++;
  return digits(to, n, width);
}
static u64 number(const char *from) {
  u64 n = 0;
  while (*from) n = n * 10 + *from++ - '0';
  return n;
}

/* The name of the n-th log file: log, log.1, log.2 … */
static const char *log_name(char *name, u64 n) {
  u8 *end = text((u8 *)name, n > 0 ? "log." : "log");
  if (n > 0) end = decimal(end, n);
  return *end = 0, name;
}
static void log_open(void) {
  log_fd = sys(openat, LOG_DIR, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  s64 end = log_fd < 0 ? 0 : sys(lseek, log_fd, 0, 2 /* SEEK_END */, 0);
  log_bytes = end > 0 ? end : 0;
}
/* The oldest is overwritten; a log of one file begins anew. */
static void log_rotate(void) {
  char from[32], to[32];
  if (max_files < 2) sys(unlinkat, LOG_DIR, "log", 0, 0);
  for (u64 n = max_files - 1; n > 0; n--)
    sys(renameat2, LOG_DIR, log_name(from, n - 1), LOG_DIR, log_name(to, n)); /* the fifth argument is 0 */
  if (log_fd >= 0) sys(close, log_fd, 0, 0, 0);
  log_open();
}
/* Whole lines or nothing: what a full disk took half of is taken back, and counted as lost. */
static void log_write(const u8 *from, u64 bytes, u64 lines) {
  if (max_bytes && log_bytes > 0 && log_bytes + bytes > max_bytes) log_rotate();
  if (log_fd < 0) log_open();
  s64 n = sys(write, log_fd, from, bytes, 0);
  if (n == (s64)bytes) { log_bytes += bytes; return; }
  if (n > 0) sys(ftruncate, log_fd, log_bytes, 0, 0);
  lost += lines;
}

/* 2026-11-25T01:02:03.000000000Z; days to dates as in Howard Hinnant's civil_from_days. */
static u8 *stamp(u8 *to) {
  struct { s64 sec, ns; } t = {0, 0};
  sys(clock_gettime, 0 /* CLOCK_REALTIME */, &t, 0, 0);
  u64 z = t.sec / 86400 + 719468, era = z / 146097, doe = z - era * 146097;
  u64 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  u64 mp = (5 * doy + 2) / 153, month = mp < 10 ? mp + 3 : mp - 9;
  to = digits(to, yoe + era * 400 + (month <= 2), 4), *to++ = '-';
  to = digits(to, month, 2), *to++ = '-';
  to = digits(to, doy - (153 * mp + 2) / 5 + 1, 2), *to++ = 'T';
  to = digits(to, t.sec / 3600 % 24, 2), *to++ = ':';
  to = digits(to, t.sec / 60 % 60, 2), *to++ = ':';
  to = digits(to, t.sec % 60, 2), *to++ = '.';
  return to = digits(to, t.ns, 9), *to++ = 'Z', to;
}
/* A stream's text to the log: a line for each of its lines, F, or P for a part of one that is longer than LINE. `last`: none follows. */
static void log_text(struct stream *s, const u8 *from, u64 bytes, int last) {
  u8 when[32], *end = stamp(when), *to = block; u64 lines = 0;
  if (lost > 0) { /* goes with what comes next, or is lost with it and counted on */
    copy(to, when, end - when), to += end - when;
    to = text(decimal(text(to, " stderr F vlab: the disk was full, lines lost: "), lost), "\n"), lines = lost, lost = 0;
  }
  for (u64 i = 0; i < bytes || last; i++) {
    int whole = i < bytes && from[i] == '\n';
    if (i < bytes && !whole) s->line[s->used++] = from[i];
    if (!whole && s->used < LINE && i < bytes) continue;
    if (i >= bytes && s->used == 0) break;
    copy(to, when, end - when), to += end - when;
    to = text(text(text(to, " "), s->name), whole ? " F " : " P ");
    copy(to, s->line, s->used), to += s->used, *to++ = '\n', s->used = 0, lines++;
    if (to - block > CHUNK) log_write(block, to - block, lines), to = block, lines = 0;
    if (i >= bytes) break;
  }
  if (to > block) log_write(block, to - block, lines);
}

static void close_input(void) {
  if (input && terminal) sys(write, OUTPUT, "\004", 1, 0); /* end of input, as a person types it */
  else if (input) sys(close, INPUT, 0, 0, 0), input = 0;
}
static void drop(struct client *c) {
  sys(close, c->fd, 0, 0, 0);
  if (once && c->gives && !terminal) close_input();
  c->fd = -1;
}
static void flush(struct client *c) {
  s64 n = sys6(__NR_sendto, c->fd, (long)c->queue, c->queued, NO_SIGNAL | DONT_WAIT, 0, 0);
  if (n > 0) copy(c->queue, c->queue + n, c->queued -= n);
  else if (n != -EAGAIN && n != -EINTR) drop(c);
}
static void show(struct client *c, const u8 *from, u64 bytes) {
  s64 n = c->queued > 0 ? 0 : sys6(__NR_sendto, c->fd, (long)from, bytes, NO_SIGNAL | DONT_WAIT, 0, 0);
  if (n < 0) n = 0; /* its end is seen when it is looked at next */
  if (c->queued + bytes - n > QUEUE) { drop(c); return; }
  copy(c->queue + c->queued, from + n, bytes - n), c->queued += bytes - n;
}
static void show_all(u32 type, u64 bytes) {
  *(struct frame *)chunk = (struct frame){type, bytes};
  for (int i = 0; i < CLIENTS; i++) if (clients[i].fd >= 0) show(&clients[i], chunk, HEAD + bytes);
}
/* One portion of output. 0: there is none now. */
static int carry(int which) {
  struct stream *s = &streams[which];
  s64 n = sys(read, s->fd, chunk + HEAD, CHUNK, 0);
  if (n == -EINTR) return 1;
  if (n == -EAGAIN) return 0;
  if (n <= 0) return sys(close, s->fd, 0, 0, 0), s->fd = -1, 0; /* EIO: the last slave of the terminal was closed */
  if (max_files) log_text(s, chunk + HEAD, n, 0);
  return show_all(F_STDOUT + which, n), 1;
}

/* Takes what a client has sent so far. */
static void take(struct client *c) {
  u32 at = 0;
  for (c->blocked = 0; c->fd >= 0;) {
    struct frame f;
    if (c->left == 0) {
      if (c->have - at < HEAD) break;
      copy(&f, c->in + at, HEAD);
      if (f.type == F_INPUT) { at += HEAD, c->left = f.bytes; continue; }
      if (f.bytes > 8) return drop(c);
      if (c->have - at < HEAD + f.bytes) break;
      u32 value[2] = {0, 0};
      copy(value, c->in + at + HEAD, f.bytes), at += HEAD + f.bytes;
      if (f.type == F_SIZE && terminal) {
        unsigned short size[4] = {value[0], value[1], 0, 0};
        sys(ioctl, OUTPUT, TIOCSWINSZ, size, 0);
      } else if (f.type == F_HELLO) c->waits = value[0] & 1, c->gives = value[0] >> 1;
      else if (f.type == F_INPUT_END && (once || terminal)) close_input();
      continue;
    }
    u32 some = c->have - at < c->left ? c->have - at : c->left;
    if (some == 0) break;
    s64 n = input ? sys(write, terminal ? OUTPUT : INPUT, c->in + at, some, 0) : some; /* nobody reads it */
    if (n == -EAGAIN) { c->blocked = 1; break; }
    if (n < 0 && n != -EINTR) n = some, close_input();
    if (n > 0) at += n, c->left -= n;
  }
  copy(c->in, c->in + at, c->have -= at);
}
static void hear(struct client *c) {
  s64 n = sys6(__NR_recvfrom, c->fd, (long)c->in + c->have, sizeof ins[0] - c->have, DONT_WAIT, 0, 0);
  if (n == 0 || (n < 0 && n != -EAGAIN && n != -EINTR)) drop(c);
  else if (n > 0) c->have += n, take(c);
}
static void welcome(void) {
  int at = 0, fd = sys(accept4, LISTENER, 0, 0, O_CLOEXEC);
  if (fd < 0) return;
  while (at < CLIENTS && clients[at].fd >= 0) at++;
  if (at == CLIENTS) { sys(close, fd, 0, 0, 0); return; }
  clients[at] = (struct client){.fd = fd, .in = ins[at], .queue = queues[at]};
  hear(&clients[at]);
}

/* All that the container has said goes to the log and to its clients. Who waits for a client that is behind is a child. */
static _Noreturn void end(void) {
  static const char *const argv[] = {"vlab-init", "perform", 0}, *const none[] = {0};
  for (int which = 0; which < 2; which++) /* what a pipe holds, and no more: others may still write into it */
    for (int portion = 0; portion < 7 && streams[which].fd >= 0 && carry(which);) portion++;
  for (int which = 0; which < 2; which++) if (max_files) log_text(&streams[which], 0, 0, 1);
  show_all(F_END, 0);
  int behind = 0;
  for (int i = 0; i < CLIENTS; i++) behind |= clients[i].fd >= 0 && clients[i].queued > 0;
  if (behind && sys6(__NR_clone, 17 /* SIGCHLD */, 0, 0, 0, 0, 0) == 0) {
    for (int fd = CALLER; fd <= END_PLAN; fd++) sys(close, fd, 0, 0, 0);
    for (int i = 0; i < CLIENTS; i++)
      for (struct client *c = &clients[i]; c->fd >= 0 && c->queued > 0; flush(c))
        sys(ppoll, &((struct pollfd){c->fd, POLLOUT, 0}), 1, 0, 0);
    sys(exit_group, 0, 0, 0, 0);
  }
  sys(dup3, END_PLAN, 3, 0, 0);
  sys6(__NR_execveat, PERFORMER, (long)"", (long)argv, (long)none, AT_EMPTY_PATH, 0);
  for (;;) sys(exit_group, 125, 0, 0, 0);
}

__attribute__((used)) _Noreturn void start(u64 *stack) {
  const char *const *argv = (const char *const *)(stack + 1);
  int logs = 0;
  for (const char *how = argv[1]; *how; how++) terminal |= *how == 't', once |= *how == 'o', logs |= *how == 'l';
  max_bytes = number(argv[2]), max_files = logs ? number(argv[3]) : 0;
  streams[0] = (struct stream){.fd = OUTPUT, .name = "stdout"}, streams[1] = (struct stream){.fd = ERRORS, .name = "stderr"};
  for (int i = 0; i < CLIENTS; i++) clients[i].fd = -1;
  for (int fd = OUTPUT; fd <= INPUT; fd++) /* there, and so that it never blocks */
    if (sys(fcntl, fd, F_SETFL, O_RDWR | O_NONBLOCK, 0) < 0 && fd < INPUT) streams[fd - OUTPUT].fd = -1;
  input = terminal || sys(fcntl, INPUT, F_GETFD, 0, 0) >= 0;
  sys(fcntl, LISTENER, F_SETFL, O_RDWR | O_NONBLOCK, 0);
  if (max_files) log_open();
  welcome(); /* who waits for the first byte is there already */
  for (;;) {
    struct pollfd set[5 + CLIENTS], *of = set + 5;
    int waits = 0, blocked = 0;
    for (int i = 0; i < CLIENTS; i++) {
      struct client *c = &clients[i];
      waits |= c->fd >= 0 && c->waits && c->queued > 0, blocked |= c->fd >= 0 && c->blocked;
      of[i] = (struct pollfd){c->fd, (c->blocked ? 0 : POLLIN) | (c->queued > 0 ? POLLOUT : 0), 0};
    }
    set[0] = (struct pollfd){PIDFD, POLLIN, 0}, set[1] = (struct pollfd){LISTENER, POLLIN, 0};
    for (int which = 0; which < 2; which++) set[2 + which] = (struct pollfd){waits ? -1 : streams[which].fd, POLLIN, 0};
    set[4] = (struct pollfd){blocked && input ? terminal ? OUTPUT : INPUT : -1, POLLOUT, 0};
    if (sys(ppoll, set, 5 + CLIENTS, 0, 0) < 0) continue;
    if (set[1].revents) welcome();
    for (int i = 0; i < CLIENTS; i++) {
      struct client *c = &clients[i];
      if (c->fd < 0 || c->fd != of[i].fd) continue;
      if (of[i].revents & POLLOUT) flush(c);
      if (c->fd >= 0 && of[i].revents & (POLLIN | POLLHUP | POLLERR)) hear(c);
      if (c->fd >= 0 && c->blocked && set[4].revents) take(c);
    }
    for (int which = 0; which < 2; which++) if (set[2 + which].revents) carry(which);
    if (set[0].revents) end();
  }
}
