import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const src = join(root, 'src');

/** The lines of the ```order block of docs/architecture.md, top first. */
function readOrder(): string[][] {
  const block = /```order\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/architecture.md'), 'utf8'))?.[1] ?? '';
  return block
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/));
}

function sourceFiles(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => ending.test(path))
    .map((path) => join(folder, path));
}

interface Import {
  from: string;
  to: string;
  specifier: string;
}

/** Every relative import of a file, static, dynamic or of types. */
function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g);
  return [...found].map(([, specifier = '']) => ({ from: file, to: resolve(dirname(file), specifier), specifier }));
}

const order = readOrder();
const rankOf = new Map(order.flatMap((line, rank) => line.map((folder) => [folder, rank] as const)));
const folderOf = (path: string) => relative(src, path).split('/')[0] ?? '';
const files = sourceFiles(src, /\.(ts|mjs)$/);
const imports = files.flatMap(importsOf);

describe('the order of folders', () => {
  it('names every folder of src, and docs/architecture.md has an order to read', () => {
    expect(order.length).toBeGreaterThanOrEqual(6);
    expect(files.map(folderOf).filter((folder) => !rankOf.has(folder))).toEqual([]);
  });

  it('is kept by every import', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [importer, imported] = [folderOf(from), folderOf(to)];
      return importer !== imported && (rankOf.get(imported) ?? -1) <= (rankOf.get(importer) ?? 99);
    });
    expect(wrong.map(({ from, specifier }) => `${relative(root, from)} imports ${specifier}`)).toEqual([]);
  });

  it('was tested on the real imports, not on none', () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports.filter(({ from, to }) => folderOf(from) !== folderOf(to)).length).toBeGreaterThan(40);
  });
});

describe('style', () => {
  const everything = [
    ...files,
    ...sourceFiles(join(root, 'test'), /\.ts$/),
    ...sourceFiles(join(root, 'scripts'), /\.mjs$/),
  ];

  it('has no file that is too long to read at once', () => {
    const long = everything.filter((file) => readFileSync(file, 'utf8').split('\n').length > 360);
    expect(long.map((file) => relative(root, file))).toEqual([]);
  });

  it('names files in kebab-case', () => {
    const names = everything.map((file) => relative(root, file));
    expect(names.filter((name) => !/^([a-z0-9-]+\/)*[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/.test(name))).toEqual([]);
  });

  it('has no barrel: an index file, or one that only passes on what others export', () => {
    const barrels = files.filter((file) => {
      const lines = readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.trim() !== '' && !/^\s*(\/\/|\/?\*)/.test(line));
      return /\/index\.\w+$/.test(file) || lines.every((line) => /^export .* from /.test(line));
    });
    expect(barrels.map((file) => relative(root, file))).toEqual([]);
  });

  it('has no grab-bag names', () => {
    const vague = /(^|\/)(utils?|helpers?|common|misc|shared|lib)(\.|\/|$)/;
    expect(everything.map((file) => relative(root, file)).filter((name) => vague.test(name))).toEqual([]);
  });
});
