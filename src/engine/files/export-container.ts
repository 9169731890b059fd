import type { Readable } from 'node:stream';
import { copyOut } from '../copy/copy.js';
import type { ContainerRecord } from '../record/records.js';

/** A container as its layers have it, without what is mounted in it: of one that runs too. */
function asLayers(record: ContainerRecord): ContainerRecord {
  const { process: _, monitor: __, ...state } = record.state;
  return { ...record, definition: { ...record.definition, mounts: [] }, state: { ...state, phase: 'exited' } };
}

/** All of its root as a tar, for as long as `use` reads it. */
export function exportContainer<T>(record: ContainerRecord, use: (tar: Readable) => Promise<T>): Promise<T> {
  return copyOut(
    asLayers(record),
    '/',
    {},
    async ({ stream, done }) => (await Promise.all([use(stream), done]))[0],
    () => '.',
  );
}
