import { describe, expect, it } from 'vitest';
import { choosePrivilege, isInstalled, isNodeNewEnough } from '../../../scripts/quickstart-checks.mjs';

it.each([
  ['20.19.0', true],
  ['20.20.2', true],
  ['22.1.0', true],
  ['20.18.9', false],
  ['18.20.4', false],
])('Node %s: %s', (version, enough) => expect(isNodeNewEnough(version)).toBe(enough));

describe('whether node_modules matches the lock', () => {
  const lock = {
    packages: {
      '': { version: '0.1.0' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/a-arm64': { version: '1.0.0', optional: true },
    },
  };

  it('matches when all but other platforms is there in the same versions', () => {
    expect(isInstalled(lock, { packages: { 'node_modules/a': { version: '1.0.0' } } })).toBe(true);
  });

  it('does not match when something is missing, older, or left over', () => {
    expect(isInstalled(lock, undefined)).toBe(false);
    expect(isInstalled(lock, { packages: {} })).toBe(false);
    expect(isInstalled(lock, { packages: { 'node_modules/a': { version: '0.9.0' } } })).toBe(false);
    const extra = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } };
    expect(isInstalled(lock, { packages: extra })).toBe(false);
  });
});

describe('how to be root', () => {
  const facts = { uid: 1000, sudoWorksSilently: false, sudoExists: true, terminal: false, wanted: true };

  it('asks for a password only at a terminal', () => {
    expect(choosePrivilege(facts)).toBe('none');
    expect(choosePrivilege({ ...facts, terminal: true })).toBe('sudo');
    expect(choosePrivilege({ ...facts, sudoWorksSilently: true })).toBe('sudo');
  });

  it('is not asked for by root, by --no-root, or where there is no sudo', () => {
    expect(choosePrivilege({ ...facts, uid: 0, wanted: false })).toBe('root');
    expect(choosePrivilege({ ...facts, sudoWorksSilently: true, wanted: false })).toBe('none');
    expect(choosePrivilege({ ...facts, sudoExists: false, terminal: true })).toBe('none');
  });
});
