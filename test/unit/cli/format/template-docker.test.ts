import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { messageOf } from '../../../../src/base/errors.js';
import { asMap } from '../../../../src/base/go-map.js';
import { compileTemplate } from '../../../../src/cli/format/template.js';

const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, 'golden', name), 'utf8'));

/** Written by docker 28.2.2: `docker inspect -f TEMPLATE` of the container that its daemon described so. */
const LINES = read('docker-inspect.json') as { template: string; prints?: string; fails?: string }[];

function container(): Record<string, unknown> {
  const document = read('docker-container.json');
  document.Config.Labels = asMap(document.Config.Labels);
  document.NetworkSettings.Ports = asMap(document.NetworkSettings.Ports);
  document.NetworkSettings.Networks = asMap(document.NetworkSettings.Networks);
  return document;
}

function shown(template: string): { prints: string } | { fails: string } {
  try {
    return { prints: compileTemplate(template)(container()) };
  } catch (error) {
    return { fails: messageOf(error) };
  }
}

describe('a template says what docker says', () => {
  it.each(LINES.map((line) => [line.template, line] as const))('%s', (template, { template: _, ...expected }) => {
    expect(shown(template)).toEqual(expected);
  });
});

describe('where it is not docker', () => {
  it.each([
    ['{{printf "%d" .State.Pid}}', { prints: '4711' }, "docker's numbers are text there"],
    ['{{truncate "héllo" 2}}', { prints: 'hé' }, 'docker cuts the letter in two'],
    ['{{.HostConfig.Binds}}', { prints: '<no value>' }, 'docker prints an empty list for null'],
    [
      '{{template "x"}}',
      { fails: 'template parsing error: template: :1: {{template}} is not supported here' },
      'there are no named templates',
    ],
  ] as const)('%s prints %j: %s', (template, expected, _why) => {
    expect(shown(template)).toEqual(expected);
  });
});
