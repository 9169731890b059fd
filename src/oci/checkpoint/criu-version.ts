/** Which criu a kernel needs. Pure. */
export interface Version {
  text: string;
  /** 4.1.1 is 40101, as criu itself counts. */
  number: number;
}

/** Of `criu --version`; undefined: it says something else. */
export function parseVersion(said: string): Version | undefined {
  const [, text, major, minor, sub = '0'] = /^Version: ((\d+)\.(\d+)(?:\.(\d+))?)/m.exec(said) ?? [];
  if (text === undefined) return undefined;
  return { text, number: Number(major) * 10000 + Number(minor) * 100 + Number(sub) };
}

/** Kernels from which on an older criu fails, and at what; newest first. */
const NEEDS: { kernel: [number, number]; criu: Version; why: string; hard: boolean }[] = [
  {
    kernel: [6, 16],
    criu: { text: '4.2', number: 40200 },
    why: 'Linux 6.16 no longer tells SO_PASSCRED of network sockets, and an older criu gives up on every one',
    hard: false,
  },
  {
    kernel: [6, 13],
    criu: { text: '4.1', number: 40100 },
    why: 'Linux 6.13 has the clocks of the vDSO in a mapping of their own, which an older criu does not know',
    hard: true,
  },
  {
    kernel: [0, 0],
    criu: { text: '3.15', number: 31500 },
    why: 'an older criu lacks what vlab asks it for',
    hard: true,
  },
];

export interface Need {
  criu: Version;
  why: string;
  /** Nothing works with an older one; otherwise only some containers do not. */
  hard: boolean;
}

/** All that speaks against a criu on a kernel of that release. */
export function shortcomings(release: string, criu: Version): Need[] {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return NEEDS.filter(({ kernel }) => major > kernel[0] || (major === kernel[0] && minor >= kernel[1])).filter(
    (need) => criu.number < need.criu.number,
  );
}
