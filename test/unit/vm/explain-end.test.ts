import { describe, expect, it } from 'vitest';
import { explainDeadline, explainEnd, explainNotRun, type Traces } from '../../../src/vm/explain-end.js';
import { DEFAULT_ENV, guestPlan } from '../../../src/vm/guest-plan.js';

const plan = guestPlan('x86_64', {
  command: ['/bin/true'],
  env: DEFAULT_ENV,
  cwd: '/nowhere',
  hostname: 'vlab',
  modules: ['virtio_pci'],
  stdin: false,
  signals: false,
  endToken: undefined,
});
const traces = (changes: Partial<Traces>): Traces => ({
  plan,
  memoryMiB: 128,
  accelerator: 'tcg',
  console: '',
  qemuStderr: '',
  qemuExit: undefined,
  shutdown: undefined,
  up: false,
  exec: false,
  garbled: undefined,
  ...changes,
});

describe('explainEnd', () => {
  it('names the step of the guest that failed, by its purpose and its call', () => {
    const at = plan.steps.findIndex(({ call, why }) => call === 'chdir' && why.includes('/nowhere'));
    const error = explainEnd(
      traces({ console: `[ 1.0] noise\nvlab-init: step ${at} errno 2\nKernel panic - not syncing: x` }),
    );
    expect(error.message).toBe(
      `the guest could not go to the working directory /nowhere: step ${at}, chdir("/nowhere"): ENOENT`,
    );
    expect(error).toMatchObject({ exitCode: 125, hint: expect.stringContaining('--workdir') });
  });

  it.each([
    [{ console: '[ 0.9] Kernel panic - not syncing: VFS: no init\r\n' }, 'kernel panicked: VFS: no init', '--console'],
    [
      { console: 'Initramfs unpacking failed: write error\nKernel panic - not syncing: x' },
      'ran out of memory (it has 128 MiB)',
      '--memory',
    ],
    [
      { qemuExit: { code: 1, signal: undefined }, qemuStderr: 'Could not access KVM kernel module: No such file' },
      'QEMU ended with code 1: Could not access KVM kernel module: No such file',
      '--accel tcg',
    ],
    [{ qemuExit: { code: undefined, signal: 'SIGKILL' } }, 'QEMU ended with SIGKILL', '--show-argv'],
    [
      { garbled: 'the first mark is byte 3', qemuExit: { code: 0, signal: undefined } },
      'does not follow the protocol',
      undefined,
    ],
    [
      { shutdown: 'guest-reset', console: 'one\ntwo\n' },
      '(guest-reset); its last line on the console: two',
      '--console',
    ],
    [{}, 'its console is empty', '--console'],
  ])('%o', (changes, message, hint) => {
    const error = explainEnd(traces(changes));
    expect(error.message).toContain(message);
    expect(error.hint ?? '').toContain(hint ?? '');
    expect(error.exitCode).toBe(125);
  });
});

describe('explainDeadline', () => {
  it('says how far the guest came', () => {
    expect(explainDeadline(traces({}), 2500).message).toContain('did not come up within 2.5 s');
    expect(explainDeadline(traces({ up: true }), 1000).message).toContain('came up but did not run the program');
    expect(explainDeadline(traces({ up: true, exec: true }), 1000).message).toBe(
      'the program in the guest still ran after 1 s',
    );
  });

  it('suspects KVM where it was used, and ends with 124', () => {
    expect(explainDeadline(traces({ accelerator: 'kvm' }), 1000)).toMatchObject({
      exitCode: 124,
      hint: expect.stringContaining('tcg'),
    });
  });
});

describe('explainNotRun', () => {
  it('ends as a shell does', () => {
    expect(explainNotRun(2, '/nope')).toMatchObject({ exitCode: 127, message: 'the guest cannot run /nope: ENOENT' });
    expect(explainNotRun(13, '/etc/passwd')).toMatchObject({ exitCode: 126 });
    expect(explainNotRun(8, '/script')).toMatchObject({ exitCode: 126 });
  });
});
