/** `--mount type=…,source=…,target=…` (docker-run(1), "--mount"; docker's opts/mount.go). Pure. */
import { posix } from 'node:path';
import type { AskedMount } from '../../engine/define/asked-container.js';
import { csvFields } from './csv.js';
import { PROPAGATIONS, VOLUME_NAME } from './mounts.js';
import { sizeOf, splitOnce, wrongValue } from './wrong.js';

type Kind = AskedMount['kind'];

/** Fields by their key; of those that may be given often, all. */
interface Fields {
  type: string;
  one: Map<string, string>;
  many: Map<string, string[]>;
}

const ALIASES: Record<string, string> = { src: 'source', dst: 'target', destination: 'target', ro: 'readonly' };
/** May stand without a value. */
const SWITCHES = new Set(['readonly', 'volume-nocopy', 'bind-nonrecursive', 'bind-create-src']);
const VALUES = new Set([
  ...['type', 'source', 'target', 'consistency', 'bind-propagation', 'bind-recursive'],
  ...['volume-driver', 'volume-subpath', 'tmpfs-size', 'tmpfs-mode'],
]);
const MANY = new Set(['volume-label', 'volume-opt']);
const TRUE = /^(?:1|t|T|true|TRUE|True)$/;

/** `cwd`: of relative sources. Errors (`input`): docker's. */
export function readMount(text: string, cwd: string): AskedMount {
  const wrong = (why: string) => wrongValue('--mount', text, why);
  const fields = fieldsOf(text, wrong);
  const { type } = fields;
  const target = fields.one.get('target');
  if (target === undefined || target === '') throw wrong('target is required');
  if (!target.startsWith('/')) throw wrong(`invalid mount path: '${target}' mount path must be absolute`);
  const destination = posix.normalize(target).replace(/(?<=.)\/+$/, '');
  if (destination === '/') throw wrong("invalid specification: destination can't be '/'");
  if (!['bind', 'volume', 'tmpfs'].includes(type))
    throw wrong(`mount type ${type} is not there: bind, volume or tmpfs`);
  for (const key of [...fields.one.keys(), ...fields.many.keys()]) {
    const [kind] = key.split('-');
    if (['bind', 'volume', 'tmpfs'].includes(kind ?? '') && key.includes('-') && kind !== type) {
      throw wrong(`cannot mix '${kind}-*' options with mount type '${type}'`);
    }
  }
  const common = { origin: 'mount' as const, destination, readonly: isOn(fields, 'readonly', wrong) };
  return makers[type as Kind](fields, common, { cwd, wrong });
}

type Wrong = (why: string) => Error;
interface Common {
  origin: 'mount';
  destination: string;
  readonly: boolean;
}

const makers: Record<Kind, (fields: Fields, common: Common, o: { cwd: string; wrong: Wrong }) => AskedMount> = {
  bind(fields, common, { cwd, wrong }) {
    const source = fields.one.get('source');
    if (!source) throw wrong('field Source must not be empty');
    const propagation = fields.one.get('bind-propagation') ?? 'rprivate';
    const known = PROPAGATIONS.find((name) => name === propagation);
    if (!known) throw wrong(`invalid propagation mode: ${propagation}`);
    const recursive = fields.one.get('bind-recursive') ?? 'enabled';
    if (!['enabled', 'disabled', 'writable', 'readonly'].includes(recursive)) {
      throw wrong(
        `invalid value for bind-recursive: ${recursive} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
    }
    if (recursive === 'readonly' && !common.readonly) {
      throw wrong(`option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction`);
    }
    if (recursive === 'readonly' && propagation !== 'rprivate') {
      throw wrong(
        `option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction`,
      );
    }
    return {
      kind: 'bind',
      ...common,
      source: posix.resolve(cwd, source),
      propagation: known,
      recursive: recursive !== 'disabled' && !isOn(fields, 'bind-nonrecursive', wrong),
      readonlyRecursive: common.readonly && recursive !== 'writable',
      createSource: isOn(fields, 'bind-create-src', wrong),
    };
  },
  volume(fields, common, { wrong }) {
    const name = fields.one.get('source') || undefined;
    if (name !== undefined && !VOLUME_NAME.test(name)) {
      throw wrong(`${JSON.stringify(name)} is no name of a volume: letters, digits, _, . and -`);
    }
    const subpath = fields.one.get('volume-subpath');
    if (subpath?.startsWith('/')) throw wrong('volume-subpath must be relative to the volume');
    return {
      kind: 'volume',
      ...common,
      ...(name === undefined ? {} : { name }),
      anonymous: name === undefined,
      copyUp: !isOn(fields, 'volume-nocopy', wrong),
      ...(subpath ? { subpath } : {}),
      driver: fields.one.get('volume-driver') ?? 'local',
      driverOptions: pairs(fields.many.get('volume-opt')),
      labels: pairs(fields.many.get('volume-label')),
    };
  },
  tmpfs(fields, common, { wrong }) {
    if (fields.one.get('source')) throw wrong('cannot mix source with mount type tmpfs');
    const [size, mode] = [fields.one.get('tmpfs-size'), fields.one.get('tmpfs-mode')];
    if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) throw wrong(`invalid value for tmpfs-mode: ${mode}`);
    const options = [
      ...(size === undefined ? [] : [`size=${sizeOf('--mount tmpfs-size', size)}`]),
      ...(mode === undefined ? [] : [`mode=${mode}`]),
    ];
    return { kind: 'tmpfs', ...common, options };
  },
};

function fieldsOf(text: string, wrong: Wrong): Fields {
  if (text === '') throw wrong('it is empty');
  const fields: Fields = { type: 'volume', one: new Map(), many: new Map() };
  const parts = csvFields(text);
  if (!parts) throw wrong('a quote is not closed, or stands inside of a field');
  for (const part of parts) {
    const [spelt, value] = splitOnce(part, '=');
    const word = spelt.toLowerCase();
    const key = ALIASES[word] ?? word;
    if (SWITCHES.has(key)) fields.one.set(key, value ?? 'true');
    else if (value === undefined) {
      throw wrong(`invalid field '${part}' must be a key=value pair`);
    } else if (MANY.has(key)) fields.many.set(key, [...(fields.many.get(key) ?? []), value ?? '']);
    else if (VALUES.has(key)) fields.one.set(key, value ?? '');
    else throw wrong(`unexpected key '${spelt}' in '${part}'`);
  }
  fields.type = fields.one.get('type')?.toLowerCase() ?? 'volume';
  return fields;
}

function isOn(fields: Fields, key: string, wrong: Wrong): boolean {
  const value = fields.one.get(key);
  if (value === undefined) return false;
  if (TRUE.test(value)) return true;
  if (/^(?:0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw wrong(`invalid value for ${key}: ${value}`);
}

function pairs(entries: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [name, value] = splitOnce(entry, '=');
      return [name, value ?? ''];
    }),
  );
}
