import { release } from 'node:os';
import { shortcomings } from '../../oci/checkpoint/criu-version.js';
import { findCriu, PULL_HINT } from '../../oci/checkpoint/find-criu.js';
import { tryCriu } from '../../oci/checkpoint/try-criu.js';
import type { Check } from './check.js';

/** Checkpoint and restore of containers: which criu, and whether a process comes back here. */
export function criuCheck(): Check {
  return {
    id: 'oci.criu',
    title: 'checkpoint and restore',
    needed: false,
    try: async () => {
      const criu = await findCriu(undefined);
      const which = `criu ${criu.version.text}, ${criu.path}`;
      if (process.getuid?.() !== 0) return { works: false, detail: `${which}; not tried`, mend: 'run it with sudo' };
      const { dumpMs, restoreMs } = await tryCriu(criu);
      const times = `a process was dumped in ${dumpMs.toFixed(0)} ms and restored in ${restoreMs.toFixed(0)} ms`;
      const [lack] = shortcomings(release(), criu.version);
      if (lack) return { works: false, detail: `${which}: ${times}, but ${lack.why}`, mend: PULL_HINT };
      return { works: true, detail: `${which}: ${times}` };
    },
  };
}
