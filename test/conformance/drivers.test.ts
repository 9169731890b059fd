// Needs root (or user namespaces) for chroot and container; runc where it is installed. Absent peers are skipped by name.
import { loadDriver } from '../../src/drivers/registry.js';
import { driverSuite } from './driver-suite.js';

driverSuite(() => loadDriver('process'), 'process', { skip: 'user namespaces', hidden: ['rooted'] });
driverSuite(() => loadDriver('chroot'), 'chroot', { skip: 'user namespaces' });
driverSuite(() => loadDriver('container'), 'container', { skip: 'user namespaces' });
driverSuite(() => loadDriver('runc'), 'runc', { skip: 'runc', hidden: ['rooted', 'exec'], inARow: 20 });
