import { describe, expect, it } from 'vitest';
import { renderListing } from '../../../../src/cli/format/listing.js';
import {
  CONTAINER_TABLE_WITH_SIZE,
  type ContainerRow,
  containerListing,
  imageListing,
} from '../../../../src/cli/format/listings.js';
import { alignTabs } from '../../../../src/cli/format/tab-columns.js';

const now = Date.parse('2026-11-25T01:00:00Z');
const web: ContainerRow = {
  id: '4cc2a5a2e0b0f5c9a1f0c3c6f9a7f6d9c7b6a5f4e3d2c1b0a9f8e7d6c5b4a392',
  image: 'busybox',
  args: ['sh', '-c', 'sleep 100; echo a long one'],
  createdAtMs: 1767323045000,
  state: 'running',
  status: 'Up 3 hours (healthy)',
  ports: '443/tcp, 0.0.0.0:8080->80/tcp',
  names: ['web'],
  labels: { 'b.c-d': 'x', a: '1' },
  mounts: ['0123456789abcdef0123456789abcdef', '/very/long/path/to/something'],
  localVolumes: 1,
  networks: ['bridge', 'back'],
  size: () => ({ layerBytes: 1234567, rootBytes: 987654321 }),
};
const db: ContainerRow = {
  ...web,
  id: '5cc2a5a2e0b0f5c9a1f0c3c6f9a7f6d9c7b6a5f4e3d2c1b0a9f8e7d6c5b4a392',
  image: `sha256:${'0123456789abcdef'.repeat(4)}`,
  args: ['/probe'],
  state: 'exited',
  status: 'Exited (0) 5 seconds ago',
  ports: '',
  names: ['db', 'web/db'],
  labels: {},
  mounts: [],
  localVolumes: 0,
  networks: [],
  size: undefined,
};
const ps = (style: Parameters<typeof renderListing>[2], noTrunc = false) =>
  renderListing([web, db], containerListing(noTrunc, now), style);

/** The expected texts were printed by docker 28.2.2 for the same two containers. */
describe('ps', () => {
  it('prints the table of docker', () => {
    expect(ps({}).split('\n')).toEqual([
      'CONTAINER ID   IMAGE          COMMAND                  CREATED         STATUS                     PORTS                           NAMES',
      `4cc2a5a2e0b0   busybox        "sh -c 'sleep 100; e…"   10 months ago   Up 3 hours (healthy)       443/tcp, 0.0.0.0:8080->80/tcp   web`,
      '5cc2a5a2e0b0   0123456789ab   "/probe"                 10 months ago   Exited (0) 5 seconds ago                                   db',
      '',
    ]);
  });

  it('prints sizes and whole ids where that is asked for', () => {
    const text = ps({ table: CONTAINER_TABLE_WITH_SIZE }, true);
    expect(text).toMatch(/^CONTAINER ID {55}IMAGE/);
    expect(text).toContain('web         1.23MB (virtual 988MB)\n');
    expect(text).toContain(`"sh -c 'sleep 100; echo a long one'"`);
    expect(text).toContain('db,web/db   0B\n');
  });

  it('prints ids alone', () => {
    expect(ps({ quiet: true })).toBe('4cc2a5a2e0b0\n5cc2a5a2e0b0\n');
  });

  it('has headings for the columns of a table of your own', () => {
    expect(ps({ format: 'table {{.ID}}\\t{{.Label "b.c-d"}}\\t{{.Names}} {{.Mounts}}\\t{{upper .Image}}' })).toBe(
      [
        'CONTAINER ID   c d       NAMES MOUNTS                          IMAGE',
        '4cc2a5a2e0b0   x         web 0123456789abcd…,/very/long/pat…   BUSYBOX',
        '5cc2a5a2e0b0             db                                    0123456789AB',
        '',
      ].join('\n'),
    );
  });

  it('prints one object a line', () => {
    const [first] = ps({ format: 'json' }).split('\n');
    expect(JSON.parse(first ?? '')).toMatchObject({
      Command: `"sh -c 'sleep 100; e…"`,
      ID: '4cc2a5a2e0b0',
      Labels: 'a=1,b.c-d=x',
      LocalVolumes: '1',
      Mounts: '0123456789abcd…,/very/long/pat…',
      Networks: 'bridge,back',
      Size: '1.23MB (virtual 988MB)',
    });
  });

  it('refuses a field that there is not, in the words of docker', () => {
    expect(() => ps({ format: '{{.Foo}}' })).toThrow(
      'failed to execute template: template: :1:2: executing "" at <.Foo>: can\'t evaluate field Foo in type *formatter.ContainerContext',
    );
    expect(() => ps({ format: '{{.Foo' })).toThrow('failed to parse template: template: :1: unclosed action');
  });

  it('does not ask for a size that nobody wants to see', () => {
    const costly = { ...web, size: () => expect.unreachable() };
    expect(renderListing([costly], containerListing(false, now), { format: '{{.Names}}' })).toBe('web\n');
  });

  it('writes control characters out on a terminal and in tables', () => {
    const bad = { ...web, names: ['a\x1b[2Jb\tc'] };
    const show = (style: Parameters<typeof renderListing>[2]) =>
      renderListing([bad], containerListing(false, now), style);
    expect(show({ format: '{{.Names}}', escape: true })).toBe('a\\x1b[2Jb\\tc\n');
    expect(show({ format: '{{.Names}}' })).toBe('a\x1b[2Jb\tc\n');
    expect(show({})).toContain('a\\x1b[2Jb\\tc');
  });
});

describe('images', () => {
  it('prints the table of docker', () => {
    const id = `sha256:${'0123456789abcdef'.repeat(4)}`;
    const rows = [
      { id, repository: 'quay.io/a/b', tag: '1', createdAtMs: 1767323045000, sizeBytes: 4261550 },
      { id: id.replace('0', '2'), createdAtMs: 1767323045000, sizeBytes: 999900 },
    ];
    expect(renderListing(rows, imageListing(false, now))).toBe(
      [
        'REPOSITORY    TAG       IMAGE ID       CREATED         SIZE',
        'quay.io/a/b   1         0123456789ab   10 months ago   4.26MB',
        '<none>        <none>    2123456789ab   10 months ago   1e+03kB',
        '',
      ].join('\n'),
    );
  });
});

describe('columns', () => {
  it('reach over neighbouring lines that have them', () => {
    expect(alignTabs('a\tb\n\nlonger than ten\tb')).toBe('a         b\n\nlonger than ten   b');
  });
});
