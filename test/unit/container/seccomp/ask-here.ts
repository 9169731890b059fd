/** The library, asked in the test's own process: hundreds of filters would otherwise be hundreds of processes. */
import { createRequire } from 'node:module';
import type { AskLibrary, LibraryAnswer, LibraryRequest } from '../../../../src/container/seccomp/libseccomp.js';

const require = createRequire(import.meta.url);
const { answer, open } = require('../../../../bin/vlab-libseccomp.cjs') as {
  answer: (request: LibraryRequest) => LibraryAnswer | { missing: string };
  open: (koffi: unknown) => { call: (name: string) => number };
};

export const askHere: AskLibrary = async (request) => answer(request) as LibraryAnswer;
export const isInstalled = !('missing' in answer({ defaultAction: 0, architectures: [], rules: [] }));

/** The number of a system call here; negative where only other architectures have it, -1 where none has. */
export function numberOf(name: string): number {
  return open(require('koffi')).call(name);
}
