/** A profile from a file, for `vlab run --seccomp`. */
import { readFileSync } from 'node:fs';
import { messageOf, VlabError } from '../../base/errors.js';
import { parseSeccomp } from '../config/parse-config.js';
import type { OciSeccomp } from '../config/schema.js';
import { notifies } from './profile.js';

/** Errors: `input` for what is no profile (linux.seccomp of config-linux.md), or needs somebody to answer. */
export function readProfile(path: string): OciSeccomp {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new VlabError('input', `cannot read the profile ${path}: ${messageOf(cause)}`, { cause, exitCode: 125 });
  }
  const profile = parseSeccomp(text, path);
  if (notifies(profile)) {
    throw new VlabError('input', `${path}: SCMP_ACT_NOTIFY is for containers of vlab-oci`, { exitCode: 125 });
  }
  return profile;
}
