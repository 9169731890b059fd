/** What apt's package lists say of a package (deb822 records, deb-control(5)). */
import { run } from '../base/exec.js';

export interface AptPackage {
  name: string;
  version: string;
  /** Digest and size of the .deb, from the signed index. */
  sha256: string;
  bytes: number;
  /** The first alternative of each dependency. */
  depends: string[];
}

/** The candidate version, or undefined when the lists do not know the name. */
export async function aptPackage(name: string): Promise<AptPackage | undefined> {
  const shown = await run('apt-cache', ['show', '--no-all-versions', name]);
  return shown.exitCode === 0 ? parseAptRecord(shown.stdout) : undefined;
}

/** One record of `apt-cache show`; undefined when it has no version. Pure. */
export function parseAptRecord(text: string): AptPackage | undefined {
  const fields = new Map<string, string>();
  for (const line of (text.trim().split('\n\n')[0] ?? '').split('\n')) {
    const match = /^([A-Za-z0-9-]+): ?(.*)$/.exec(line);
    if (match?.[1] !== undefined) fields.set(match[1], match[2] ?? '');
  }
  const name = fields.get('Package');
  const version = fields.get('Version');
  if (!name || !version) return undefined;
  return {
    name,
    version,
    sha256: fields.get('SHA256') ?? '',
    bytes: Number(fields.get('Size') ?? 0),
    depends: (fields.get('Depends') ?? '')
      .split(',')
      .map((one) => (one.split('|')[0] ?? '').trim().split(/[\s(:]/)[0] ?? '')
      .filter((one) => one !== ''),
  };
}

/** The packages with files of a kernel, starting from a name that merely points at the newest. */
const KERNEL_FILES = /^linux-(image|modules)-/;
/** A package whose name holds a version has files; one whose name does not is a pointer. */
const HAS_FILES = /-\d/;

/** `meta` resolved: Debian's pointer → image; Ubuntu's pointer → image → modules. */
export async function kernelDependencies(meta: AptPackage): Promise<AptPackage[]> {
  const found = new Map<string, AptPackage>();
  const visit = async (one: AptPackage): Promise<void> => {
    if (found.has(one.name)) return;
    found.set(one.name, one);
    for (const name of one.depends.filter((depends) => KERNEL_FILES.test(depends))) {
      const next = await aptPackage(name);
      if (next) await visit(next);
    }
  };
  await visit(meta);
  return [...found.values()].filter(({ name }) => HAS_FILES.test(name));
}
