/** docker's long names of commands, in vlab's words: `container stop` is `stop`, `image ls` is `images`. Pure. */

const SAME = {
  container:
    'attach commit cp create diff exec export inspect kill logs pause port rename restart rm run start stats stop top unpause update wait',
  image: 'build history import inspect load pull push save tag',
  system: 'events info',
  volume: '',
};

const OTHERS: Record<string, Record<string, readonly string[]>> = {
  container: { ls: ['ps'], list: ['ps'], ps: ['ps'], remove: ['rm'] },
  image: { ls: ['images'], list: ['images'], rm: ['rmi'], remove: ['rmi'] },
  network: { list: ['network', 'ls'], remove: ['network', 'rm'] },
  volume: { list: ['volume', 'ls'], remove: ['volume', 'rm'] },
};

const NAMES = new Map<string, readonly string[]>();
for (const [topic, verbs] of Object.entries(SAME)) {
  for (const verb of verbs.split(' ').filter(Boolean)) NAMES.set(`${topic} ${verb}`, [verb]);
}
for (const [topic, verbs] of Object.entries(OTHERS)) {
  for (const [verb, words] of Object.entries(verbs)) NAMES.set(`${topic} ${verb}`, words);
}

/** The words of a command line; those of an own command (`exists`: by its id) stay as they are. */
export function plainCommand(words: readonly string[], exists: (id: string) => boolean): readonly string[] {
  const [topic = '', verb = '', ...rest] = words;
  const other = NAMES.get(`${topic} ${verb}`);
  return other === undefined || exists(`${topic}:${verb}`) ? words : [...other, ...rest];
}
