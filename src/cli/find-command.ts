/** A command found from the first words of a command line. */
export interface FoundCommand {
  /** oclif's id: `vm:run`. */
  id: string;
  /** The words after the command's name. */
  rest: string[];
}

const DEEPEST = 3;

/**
 * The longest command named by the first words (`vm run …` is `vm:run`), or undefined for a topic, a plugin's command (help,
 * autocomplete) and words that name nothing.
 */
export function findCommand(words: readonly string[], exists: (id: string) => boolean): FoundCommand | undefined {
  for (let length = Math.min(DEEPEST, words.length); length > 0; length--) {
    const id = words.slice(0, length).join(':');
    if (exists(id)) return { id, rest: words.slice(length) };
  }
  return undefined;
}
