/** How registries are reached, as podman's and skopeo's flags say it. */
import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import type { Access } from '../../image/registry/access.js';

export const ACCESS_FLAGS = {
  'tls-verify': Flags.boolean({
    allowNo: true,
    default: true,
    description: 'check certificates, and refuse plain http beyond this machine',
  }),
  'cert-dir': Flags.string({ helpValue: 'DIR', description: "a directory with *.crt of the registry's authorities" }),
  authfile: Flags.string({ helpValue: 'FILE', description: 'a file of logins in place of the usual ones' }),
};

/** Of `pull` and `push`. */
export const TRANSFER_FLAGS = {
  quiet: Flags.boolean({ char: 'q', description: 'print the name alone' }),
  'disable-content-trust': Flags.boolean({
    allowNo: true,
    hidden: true,
    description: 'without effect: none is checked',
  }),
  ...ACCESS_FLAGS,
};

export function accessOf(flags: {
  'tls-verify': boolean;
  'cert-dir'?: string | undefined;
  authfile?: string | undefined;
}): Access {
  const { authfile } = flags;
  return {
    tlsVerify: flags['tls-verify'],
    ...(flags['cert-dir'] !== undefined && { certDir: resolve(flags['cert-dir']) }),
    ...(authfile !== undefined && { env: { ...process.env, REGISTRY_AUTH_FILE: resolve(authfile) } }),
  };
}
