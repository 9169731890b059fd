/*
 * vlab-relay carries bytes between a person's terminal (descriptors 0 and 1) and a pseudo-terminal (descriptor 3), which
 * a plan cannot do, since it only runs forwards. It puts the person's terminal into raw mode and back, and passes on
 * changes of the window's size. It ends when the other side of the pseudo-terminal is closed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum { IN, OUT, PTY = 3 };

static struct termios before;
static int is_terminal;

static void restore(void) {
	if (is_terminal) tcsetattr(IN, TCSADRAIN, &before);
}

static void copy_size(void) {
	struct winsize size;
	if (ioctl(IN, TIOCGWINSZ, &size) == 0 || ioctl(OUT, TIOCGWINSZ, &size) == 0) ioctl(PTY, TIOCSWINSZ, &size);
}

/* 0: nobody reads any more. */
static int write_all(int fd, const char *at, ssize_t left) {
	while (left > 0) {
		ssize_t n = write(fd, at, left);
		if (n < 0 && errno == EAGAIN) { /* somebody made the descriptor non-blocking */
			poll(&(struct pollfd){fd, POLLOUT, 0}, 1, -1);
			continue;
		}
		if (n < 0 && errno != EINTR) return 0;
		if (n > 0) at += n, left -= n;
	}
	return 1;
}

int main(void) {
	sigset_t mask;
	char buffer[65536];
	struct termios raw;
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* ends in order, so that the terminal is put back */
	sigfillset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	int signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (getppid() == 1 || signals < 0) return 1;
	is_terminal = tcgetattr(IN, &before) == 0;
	if (is_terminal) {
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(IN, TCSADRAIN, &raw);
	}
	copy_size();
	struct pollfd set[] = {{PTY, POLLIN, 0}, {IN, POLLIN, 0}, {signals, POLLIN, 0}};
	for (;;) {
		if (poll(set, 3, -1) < 0 && errno != EINTR) break;
		if (set[2].revents & POLLIN) {
			struct signalfd_siginfo info;
			if (read(signals, &info, sizeof info) != sizeof info) break;
			if (info.ssi_signo == SIGWINCH) copy_size();
			else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP) break;
		}
		if (set[0].revents) {
			ssize_t n = read(PTY, buffer, sizeof buffer);
			if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) break; /* EIO: the last slave was closed */
			if (n > 0 && !write_all(OUT, buffer, n)) break;
		}
		if (set[1].revents) {
			ssize_t n = read(IN, buffer, sizeof buffer);
			if (n > 0 && !write_all(PTY, buffer, n)) break;
			if (n == 0 && !write_all(PTY, "\004", 1)) break; /* end of input, as a person types it */
			if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) set[1].fd = -1;
		}
	}
	restore();
	return 0;
}
