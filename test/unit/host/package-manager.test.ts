import { describe, expect, it } from 'vitest';
import { installLine, packageManagerOf } from '../../../src/host/package-manager.mjs';
import packages from '../../../src/host/packages.json' with { type: 'json' };

describe('the package manager by os-release', () => {
  it.each([
    ['ID=debian\nVERSION_ID="12"', 'apt'],
    ['NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"', 'apt'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'dnf'],
    ['ID=fedora', 'dnf'],
    ['ID=arch', 'pacman'],
    ['ID=alpine', 'apk'],
    ['ID="opensuse-tumbleweed"\nID_LIKE="opensuse suse"', 'zypper'],
    ['ID="opensuse-leap"', 'zypper'],
    ["ID='endeavouros'\nID_LIKE='arch'", 'pacman'],
  ])('%j is %s', (text, manager) => expect(packageManagerOf(text)).toBe(manager));

  it('is undefined for one that is not known', () => {
    expect(packageManagerOf('ID=nixos')).toBeUndefined();
    expect(packageManagerOf('')).toBeUndefined();
  });
});

describe('the install line', () => {
  it('is one line with all of it', () => {
    expect(installLine('apt', ['qemu', 'busybox'], packages, false)).toBe(
      'sudo apt-get install -y qemu-system-x86 busybox-static',
    );
    expect(installLine('apk', ['c-compiler'], packages, true)).toBe('apk add gcc musl-dev linux-headers');
    expect(installLine(undefined, ['runc', 'crun'], packages, true)).toContain('runc, crun');
  });

  it('knows every need on every distribution', () => {
    for (const names of Object.values(packages)) {
      expect(Object.keys(names).sort()).toEqual(['apk', 'apt', 'dnf', 'pacman', 'zypper']);
    }
  });
});
