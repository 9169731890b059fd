/** `--security-opt` and capabilities (docker-run(1), "--security-opt"). Pure but for the profile's text, which `readText` gives. */
import type { AskedContainer } from '../../engine/define/asked-container.js';
import { refuse } from '../../engine/define/asked-error.js';
import { capabilityNamesOf } from '../../engine/spec/capabilities.js';

export interface SecurityFlags {
  privileged?: boolean | undefined;
  'cap-add'?: string[] | undefined;
  'cap-drop'?: string[] | undefined;
  'security-opt'?: string[] | undefined;
  /** vlab's own: as `--security-opt seccomp=`. */
  seccomp?: string | undefined;
}

type Security = AskedContainer['security'];

/** Errors (`input`): docker's; a module that labels processes and is asked for more than to keep out, which vlab does not do. */
export function readSecurity(flags: SecurityFlags, readText: (path: string) => string): Security {
  const options = [
    ...(flags['security-opt'] ?? []),
    ...(flags.seccomp === undefined ? [] : [`seccomp=${flags.seccomp}`]),
  ];
  const security: Security = {
    privileged: flags.privileged ?? false,
    capAdd: [...new Set(capabilityNamesOf(flags['cap-add'] ?? []))],
    capDrop: [...new Set(capabilityNamesOf(flags['cap-drop'] ?? []))],
    seccomp: { kind: 'default' },
    maskPaths: true,
    options,
  };
  for (const option of options) {
    const [, name = '', value] = /^([^=:]*)(?:[=:](.*))?$/s.exec(option) ?? [];
    switch (name) {
      case 'seccomp':
        security.seccomp = seccompOf(value ?? '', readText);
        break;
      case 'no-new-privileges':
        security.noNewPrivileges = isTrue(value ?? 'true', option);
        break;
      case 'systempaths':
        if (value !== 'unconfined') throw invalid(option);
        security.maskPaths = false;
        break;
      // What vlab does anyway: it labels nothing.
      case 'label':
        if (value !== 'disable') throw refuse(`--security-opt ${option}: vlab sets no labels of SELinux`);
        break;
      case 'apparmor':
        if (value !== 'unconfined') throw refuse(`--security-opt ${option}: vlab sets no profile of AppArmor`);
        break;
      default:
        throw invalid(option);
    }
  }
  return security;
}

const invalid = (option: string) => refuse(`Invalid --security-opt: ${JSON.stringify(option)}`);

function seccompOf(value: string, readText: (path: string) => string): Security['seccomp'] {
  if (value === 'unconfined') return { kind: 'unconfined' };
  if (value === '' || value === 'builtin' || value === 'default') return { kind: 'default' };
  return { kind: 'profile', profile: readText(value) };
}

function isTrue(value: string, option: string): boolean {
  if (/^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  throw invalid(option);
}
