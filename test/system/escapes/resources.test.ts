// Attacks that take what others need: processes, memory, descriptors, files, terminals. All of them have an end, and happen
// within the arena's own limits. Needs root.
import { ownArena } from './pair.js';

const { pair } = ownArena();

pair('fork bomb', { words: ['/probe', 'fork', '60'], cgroups: true, blocked: '19', works: '60' });

pair('memory bomb', {
  words: ['/probe', 'each', 'echo', 'begun', '--', 'touch', '96'],
  cgroups: true,
  blocked: 'begun',
  works: 'begun\ntouched',
});

pair('memory through files', { words: ['/escape', 'fill', '/dev/shm/file', '80'], blocked: '64', works: '80' });

pair('descriptors', { words: ['/escape', 'descriptors', '64'], blocked: '17', works: '64' });

pair('inodes', { words: ['/escape', 'files', '/mnt', '64'], blocked: '15', works: '64' });

pair('terminals', { words: ['/escape', 'terminals', '16'], blocked: '4', works: '16' });
