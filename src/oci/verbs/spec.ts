import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { VlabError } from '../../base/errors.js';
import { DONE, type Verb } from '../invocation.js';
import { specConfig } from '../spec-config.js';

/** Writes a first config.json into the bundle. */
export const spec: Verb = async ({ caller, flags }) => {
  const path = join(resolve(caller.cwd, flags.string('bundle') ?? '.'), 'config.json');
  if (existsSync(path)) {
    throw new VlabError('operation', `file ${path} exists`, {
      hint: 'remove it first, or name another bundle by --bundle',
    });
  }
  const ids = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const config = specConfig(flags.has('rootless') ? ids : undefined);
  writeFileSync(path, `${JSON.stringify(config, null, '\t')}\n`, { mode: 0o666 });
  return DONE;
};
