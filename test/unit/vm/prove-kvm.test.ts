import { describe, expect, it } from 'vitest';
import { decideKvm, kvmNode } from '../../../src/vm/prove-kvm.js';
import { tinyArgv, tinyFirmware } from '../../../src/vm/tiny-guest.js';

const works = async () => undefined;
const fails = (why: string) => async () => why;
const never = async () => {
  throw new Error('it was tried');
};

describe('decideKvm', () => {
  it('needs Linux to have booted', async () => {
    expect(await decideKvm({ node: works, tiny: works, linux: works })).toEqual({
      works: true,
      reason: 'Linux was booted on it',
    });
  });

  it('without a node tries nothing', async () => {
    const proof = await decideKvm({ node: fails('there is no /dev/kvm'), tiny: never, linux: never });
    expect(proof).toEqual({ works: false, reason: 'there is no /dev/kvm' });
  });

  it('does not try Linux where not even a tiny guest runs', async () => {
    const proof = await decideKvm({ node: works, tiny: fails('it hung'), linux: never });
    expect(proof).toEqual({ works: false, reason: '/dev/kvm opens, but nothing runs on it: it hung' });
  });

  it('is not fooled by a host where only tiny guests run', async () => {
    const proof = await decideKvm({ node: works, tiny: works, linux: fails('emulation failure') });
    expect(proof).toEqual({ works: false, reason: 'a tiny guest runs on KVM, but Linux does not: emulation failure' });
  });
});

describe('kvmNode', () => {
  it('says that there is none', async () => {
    expect(await kvmNode('/nonexistent/kvm')).toBe('there is no /nonexistent/kvm');
  });

  it('is content with one that can be opened', async () => {
    expect(await kvmNode('/dev/null')).toBeUndefined();
  });
});

describe('the tiny guest', () => {
  it('is nine bytes at the reset vector of a 64 KiB firmware', () => {
    const firmware = tinyFirmware();
    expect(firmware.length).toBe(65536);
    expect(firmware.subarray(0, 65520).every((byte) => byte === 0)).toBe(true);
    expect(firmware.subarray(65520).toString('hex')).toBe('b04be6e9b000e6f4f400000000000000');
  });

  it('needs no disk, no network, no kernel', () => {
    expect(tinyArgv('/run/f.bin', 'kvm').join(' ')).toBe(
      '-no-user-config -nodefaults -display none -no-reboot -machine q35 -accel kvm -m 16M -bios /run/f.bin ' +
        '-chardev stdio,id=out,signal=off -device isa-debugcon,iobase=233,chardev=out -device isa-debug-exit,iobase=244,iosize=1',
    );
  });
});
