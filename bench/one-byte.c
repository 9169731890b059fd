/* The shortest life of a guest's first process: one byte on the console, then a reset, which ends QEMU (-no-reboot). */
#include <sys/reboot.h>
#include <unistd.h>

int main(void) {
	if (write(1, "!", 1) != 1) return 1;
	return reboot(RB_AUTOBOOT);
}
