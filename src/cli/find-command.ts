/** A command file below the commands folder, found from the first words of a command line. */
export interface FoundCommand {
  /** oclif's id: `vm:run`. */
  id: string;
  /** Relative to the commands folder: `vm/run.js`. */
  file: string;
  /** The words after the command's name. */
  rest: string[];
}

const NAME = /^[a-z][a-z0-9-]*$/;
const DEEPEST = 3;

/**
 * The longest command named by the first words (`vm run …` → vm/run.js), or undefined for a topic, a plugin's command
 * (help, autocomplete) and words that name nothing. `exists` says whether a file below the commands folder is there.
 */
export function findCommand(words: readonly string[], exists: (file: string) => boolean): FoundCommand | undefined {
  const names: string[] = [];
  for (const word of words.slice(0, DEEPEST)) {
    if (!NAME.test(word)) break;
    names.push(word);
  }
  for (let length = names.length; length > 0; length--) {
    const chosen = names.slice(0, length);
    const file = `${chosen.join('/')}.js`;
    if (exists(file)) return { id: chosen.join(':'), file, rest: words.slice(length) };
  }
  return undefined;
}
