import { knownArchitectures } from '../../container/seccomp/libseccomp.js';
import { ARCHITECTURES, libraryName } from '../../container/seccomp/profile.js';
import { featuresDocument } from '../features-document.js';
import type { Verb } from '../invocation.js';

/** The features document, as JSON. */
export const features: Verb = async () => ({
  exitCode: 0,
  stdout: `${JSON.stringify(featuresDocument(await linkedArchitectures()), null, 2)}\n`,
});

async function linkedArchitectures(): Promise<string[] | undefined> {
  const all = [...ARCHITECTURES];
  const known = await knownArchitectures(all.map(libraryName)).catch(() => undefined);
  return known && all.filter((name) => known.includes(libraryName(name)));
}
