/** Kernel modules of a guest: which files, in which order. Reads a modules directory (lib/modules/RELEASE). */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { VlabError } from '../base/errors.js';
import { decompress, moduleCompression } from './decompress.js';
import { moduleDependencies, moduleName, withoutSignature } from './modinfo.js';

export interface ModuleFile {
  /** With underscores: `virtio_pci`. */
  name: string;
  /** Decompressed and without its signature. */
  content: Buffer;
}

/**
 * `wanted` and all they depend on, dependencies first; what is built into the kernel is left out. The files' own
 * `depends=` decides: modules.dep exists only where depmod ran, and a package that was merely unpacked has none.
 * Error (`input`): a module or a dependency is not there.
 */
export async function loadModules(modulesDir: string, wanted: readonly string[]): Promise<ModuleFile[]> {
  const [paths, builtIn] = await Promise.all([
    moduleIndex(modulesDir, 'modules.order'),
    moduleIndex(modulesDir, 'modules.builtin'),
  ]);
  const loaded = new Map<string, ModuleFile>();
  const visit = async (name: string, neededBy: string): Promise<void> => {
    if (loaded.has(name) || builtIn.has(name)) return;
    const listed = paths.get(name);
    if (listed === undefined) {
      throw new VlabError('input', `the kernel in ${modulesDir} has no module ${name}, which ${neededBy} needs`, {
        hint: 'use another kernel: see `vlab kernel ls`',
      });
    }
    const content = await readModule(join(modulesDir, listed), name);
    for (const dependency of moduleDependencies(content, name)) await visit(dependency, name);
    // Modules that need each other do not exist, so the order of a depth-first walk is a loading order.
    loaded.set(name, { name, content: withoutSignature(content) });
  };
  for (const name of wanted) await visit(moduleName(name), 'the guest');
  return [...loaded.values()];
}

/** name → path below the modules directory, from a file that has one `kernel/…/NAME.ko` a line. */
async function moduleIndex(modulesDir: string, file: string): Promise<Map<string, string>> {
  const text = await readFile(join(modulesDir, file), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.endsWith('.ko'));
  return new Map(lines.map((line) => [moduleName(basename(line, '.ko')), line]));
}

/** modules.order names `.ko` also where the files are compressed. */
async function readModule(path: string, name: string): Promise<Buffer> {
  for (const suffix of ['', '.xz', '.zst', '.gz']) {
    const file = await readFile(path + suffix).catch(() => undefined);
    if (file) return decompress(file, moduleCompression(path + suffix) ?? 'none', path + suffix);
  }
  throw new VlabError('input', `${path} is listed among the kernel's modules, but the file is not there`, {
    hint: `the package that holds ${name} is not unpacked: pull the kernel again`,
  });
}
