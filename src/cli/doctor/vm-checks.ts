import { installLineHere } from '../../host/distribution.js';
import { launcherPid } from '../../sys/launcher.js';
import { findKernel } from '../../vm/kernel.js';
import { findQemu } from '../../vm/probe-qemu.js';
import { proveKvm } from '../../vm/prove-kvm.js';
import type { Check } from './check.js';

/** The parts of a virtual machine; whether they work together is the check of the driver `vm`. */
export function vmChecks(): Check[] {
  return [
    {
      id: 'vm.qemu',
      title: 'QEMU',
      needed: true,
      try: async () => {
        try {
          const { path, features } = await findQemu();
          return { works: true, detail: `${features.version}, ${path}` };
        } catch (error) {
          const { message } = error as Error;
          return { works: false, detail: message, mend: installLineHere('qemu') };
        }
      },
    },
    {
      id: 'vm.kernel',
      title: 'guest kernel',
      needed: true,
      try: async () => {
        const { release, origin } = await findKernel();
        return { works: true, detail: `${release}, ${origin}` };
      },
    },
    {
      id: 'vm.kvm',
      title: 'KVM boots Linux',
      needed: false,
      try: async () => {
        const { works, reason } = await proveKvm(await findQemu(), await findKernel());
        return works
          ? { works, detail: reason }
          : { works, detail: `${reason}; virtual machines run under emulation (TCG)`, mend: KVM_MEND };
      },
    },
  ];
}

const KVM_MEND = 'use a machine that offers /dev/kvm (on a virtual one: nested virtualization), and join the group kvm';

export function launcherCheck(): Check {
  return {
    id: 'launcher',
    title: 'launcher',
    needed: false,
    try: async () => {
      const pid = launcherPid();
      return {
        works: true,
        detail: pid === undefined ? 'not running; the next container starts it' : `alive, process ${pid}`,
      };
    },
  };
}
