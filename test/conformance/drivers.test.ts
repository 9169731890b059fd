// Needs root (or user namespaces) for chroot and container; runc where it is installed. Absent peers are skipped by name.
import { loadDriver } from '../../src/drivers/registry.js';
import { driverSuite } from './driver-suite.js';

driverSuite(() => loadDriver('process'), 'process', { skip: 'user namespaces', hidden: ['rooted'] });
driverSuite(() => loadDriver('chroot'), 'chroot', { skip: 'user namespaces' });
driverSuite(() => loadDriver('container'), 'container', { skip: 'user namespaces' });
driverSuite(() => loadDriver('runc'), 'runc', { skip: 'runc', hidden: ['rooted', 'exec'], inARow: 20 });
for (const machine of ['q35', 'microvm']) {
  driverSuite(() => loadDriver('vm'), 'vm', {
    skip: 'qemu',
    exceptions: { exec: 'no agent in the guest yet' },
    inARow: 3,
    deadlineMs: 40_000,
    options: { machine },
  });
}
