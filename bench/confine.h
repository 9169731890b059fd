/* What vlab takes from a process before its program, for the floors to take the same: capabilities, and a filter of system calls. */
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t keep; /* capabilities */
static int last_capability;
static struct sock_filter filter[4096];
static struct sock_fprog filtered = {0, filter};

/* Hexadecimal digits to bytes; how many. */
static unsigned take_bytes(const char *hex, void *to, unsigned most) {
	unsigned n = 0;
	for (unsigned byte; n < most && sscanf(hex, "%2x", &byte) == 1; hex += 2) ((unsigned char *)to)[n++] = byte;
	return n;
}

/* keep=MASK, filter=HEX (struct sock_filter); 0: it is another word. */
static int take_confinement(const char *name, const char *value) {
	while (prctl(PR_CAPBSET_READ, last_capability + 1, 0, 0, 0) >= 0) last_capability++;
	if (!strcmp(name, "keep")) keep = strtoull(value, NULL, 16);
	else if (!strcmp(name, "filter")) filtered.len = take_bytes(value, filter, sizeof filter) / sizeof *filter;
	else return 0;
	return 1;
}

/* Less than 0 and errno when one of the calls failed. */
static long confine(void) {
	struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct sets[2] = {{keep, keep, 0}, {keep >> 32, keep >> 32, 0}};
	for (int bit = 0; bit <= last_capability; bit++)
		if (!(keep >> bit & 1) && prctl(PR_CAPBSET_DROP, bit, 0, 0, 0)) return -1;
	if (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_capset, &head, sets)) return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
	return filtered.len > 0 ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filtered) : 0;
}
