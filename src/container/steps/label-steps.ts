/**
 * Labels of security modules as steps (proc_pid_attr(5)). They are opened in the host's /proc, before the image has any say
 * in what lies there, and written when everything else is done (CVE-2025-52881 wrote them where the image pointed). Pure.
 */
import { flags } from '../../sys/abi.js';
import type { PlanBuilder, Word } from '../../sys/plan.js';
import { configError } from '../config/parse-config.js';
import type { OciProcess } from '../config/schema.js';
import type { HostAbilities } from '../host-abilities.js';

export interface LabelSteps {
  /** While the host's /proc is the child's. */
  open(): void;
  /** Before a key is made: SELinux labels it. */
  labelKeys(): void;
  /** Right before the program: both take effect at its exec. */
  apply(): void;
}

interface Label {
  file: string;
  text: string;
  why: string;
  from: string;
  fd?: Word;
}

/** Errors: `host` where the kernel has no such module. */
export function labelSteps(b: PlanBuilder, process: OciProcess, host: HostAbilities): LabelSteps {
  const { apparmorProfile, selinuxLabel } = process;
  const atExec: Label[] = [];
  let forKeys: Label | undefined;
  if (apparmorProfile) {
    const from = 'process.apparmorProfile';
    if (!host.labels().apparmor) throw missing(from, 'AppArmor');
    const why = `confine the program by AppArmor's ${apparmorProfile}`;
    atExec.push({ file: 'apparmor/exec', text: `exec ${apparmorProfile}`, why, from });
  }
  if (selinuxLabel) {
    const from = 'process.selinuxLabel';
    if (!host.labels().selinux) throw missing(from, 'SELinux');
    atExec.push({ file: 'exec', text: selinuxLabel, why: `label the program ${selinuxLabel}`, from });
    forKeys = { file: 'keycreate', text: selinuxLabel, why: `label its keys ${selinuxLabel}`, from };
  }
  const write = ({ fd, text, why, from }: Label) => {
    if (!fd) throw new RangeError('a label is written before it is opened');
    b.step('write', [fd, b.str(text), Buffer.byteLength(text)], why, { from });
  };
  return {
    open() {
      for (const label of [...(forKeys ? [forKeys] : []), ...atExec]) {
        label.fd = b.word('label');
        const path = b.str(`/proc/self/attr/${label.file}`);
        const how = flags('O_WRONLY', 'O_CLOEXEC');
        const { fd: result, from } = label;
        b.step('openat', [flags('AT_FDCWD'), path, how], "hold the label in the host's /proc", { result, from });
      }
    },
    labelKeys() {
      if (forKeys) write(forKeys);
    },
    apply() {
      for (const label of atExec) write(label);
    },
  };
}

export function missing(path: string, module: string) {
  return configError(path, `needs ${module}, which this kernel runs without`, { blame: 'host' });
}
