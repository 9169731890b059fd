import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../../src/base/paths.js';
import { parseScenario } from '../../../src/lab/parse-scenario.js';
import { scenarioJsonSchema } from '../../../src/lab/scenario.js';

interface Node {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: string[];
  properties?: Record<string, Node>;
  required?: string[];
  items?: Node;
}

const KINDS: Record<string, string> = {
  string: 'text',
  integer: 'whole number',
  number: 'number',
  array: 'list',
  object: 'map',
};

/** One line of the documentation for each key of the schema. */
function keyTable(schema: Node): string {
  const lines = ['| key | value | default | meaning |', '|---|---|---|---|'];
  const visit = (node: Node, prefix: string): void => {
    for (const [key, value] of Object.entries(node.properties ?? {})) {
      const path = `${prefix}${key}`;
      const kind = value.enum
        ? value.enum.map((one) => `\`${one}\``).join(', ')
        : (KINDS[value.type ?? ''] ?? 'anything');
      lines.push(
        `| \`${path}\` | ${kind} | ${defaultOf(value, node.required?.includes(key) ?? false)} | ${value.description ?? ''} |`,
      );
      visit(value, `${path}.`);
      if (value.items) visit(value.items, `${path}[].`);
    }
  };
  visit(schema, '');
  return lines.join('\n');
}

function defaultOf({ default: value }: Node, required: boolean): string {
  if (required) return 'required';
  if (value === undefined || value === '' || (typeof value === 'object' && Object.keys(value ?? {}).length === 0))
    return '';
  return `\`${String(value)}\``;
}

test('every key has a description, and the documentation lists exactly the keys of the schema', () => {
  const wanted = keyTable(scenarioJsonSchema() as Node);
  expect(wanted.split('\n').filter((line) => line.endsWith('|  |'))).toEqual([]);
  const doc = readFileSync(join(packageRoot(), 'docs/scenario-format.md'), 'utf8');
  const [, table] = /<!-- keys -->\n([\s\S]*?)\n?<!-- \/keys -->/.exec(doc) ?? [];
  expect(table).toBe(wanted);
});

test('the example of the documentation and the scenarios that vlab brings along are good', () => {
  const doc = readFileSync(join(packageRoot(), 'docs/scenario-format.md'), 'utf8');
  const example = /```yaml\n([\s\S]*?)```/.exec(doc)?.[1] ?? '';
  expect(parseScenario(example, 'docs')).toMatchObject({ complaints: [], scenario: { baseline: 'free' } });
  const files = readdirSync(join(packageRoot(), 'scenarios'));
  expect(files).toEqual(expect.arrayContaining(['quickstart.yaml', 'null.yaml']));
  for (const file of files) {
    const { complaints, scenario } = parseScenario(readFileSync(join(packageRoot(), 'scenarios', file), 'utf8'), file);
    expect(complaints).toEqual([]);
    expect(`${scenario?.name}.yaml`).toBe(file);
  }
});

test('the JSON Schema accepts what the scenarios use, and says so without vlab’s own code', () => {
  const schema = scenarioJsonSchema() as Node & { additionalProperties?: boolean };
  expect(schema).toMatchObject({ type: 'object', additionalProperties: false, required: ['name', 'payload', 'arms'] });
  expect(schema.properties?.arms?.items?.properties?.driver?.enum).toContain('container');
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
});
