import { statSync } from 'node:fs';

/** PROC_USER_INIT_INO of the kernel's include/linux/proc_ns.h. */
const FIRST_USER_NAMESPACE = 0xeffffffd;

let inside: boolean | undefined;

/** This process is not in the machine's first user namespace: its user 0 is not the machine's. It never changes while it runs. */
export function inUserNamespace(): boolean {
  inside ??= statSync('/proc/self/ns/user', { throwIfNoEntry: false })?.ino !== FIRST_USER_NAMESPACE;
  return inside;
}
