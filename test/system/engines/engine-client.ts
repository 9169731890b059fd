/** What podman and docker have in common on the command line; the image is `bb`. */
import type { Ended, EngineRoom, RoomOptions } from './engine-room.js';

export abstract class EngineClient {
  constructor(
    readonly room: EngineRoom,
    protected readonly options: RoomOptions,
  ) {}

  /** The whole command, with what must go with these words in a room. */
  protected abstract words(words: readonly string[]): string[];

  async run(...words: string[]): Promise<Ended> {
    return this.room.run(this.words(words), this.options);
  }

  async with(options: RoomOptions, ...words: string[]): Promise<Ended> {
    const env = { ...this.options.env, ...options.env };
    return this.room.run(this.words(words), { ...this.options, ...options, env });
  }

  /** Standard output of a command that must end with 0. */
  async ask(...words: string[]): Promise<string> {
    return this.room.ask(this.words(words), this.options);
  }

  /** `run --rm` of the image. `flags`: before it. */
  async once(flags: readonly string[], ...command: string[]): Promise<Ended> {
    return this.run('run', '--rm', ...flags, 'bb', ...command);
  }

  /** What a shell in a new container says on standard output. */
  async says(flags: readonly string[], script: string): Promise<string> {
    return this.ask('run', '--rm', ...flags, 'bb', 'sh', '-c', script);
  }

  async onTerminal(...words: string[]): Promise<Ended> {
    return this.room.onTerminal(this.words(words), this.options);
  }
}
