import { Command, type Interfaces } from '@oclif/core';
import { EXIT_CODES, VlabError } from '../base/errors.js';
import { describeFailure, exitRequest, failureJson } from './failure.js';
import { splitTail, type TailRule } from './tail.js';
import { plainWords, type WordShape } from './words.js';

/**
 * Every command of vlab: `--json` prints what `run` returns (and, on failure, `{error: …}`) as one document on stdout.
 * A command that starts a program sets `static tail` and finds that program's words in `this.tail`; it declares no oclif
 * args for them. Text meant for people goes through `this.log`, which is silent under --json.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  /** Which words are not vlab's; see tail.ts. */
  static tail: TailRule = 'none';
  /** What a failure of its own ends with, where it is not as everywhere: 125 tells it from what the program ends with. */
  static failureExitCode: number | undefined;

  /** The words that belong to the program to be started. Empty unless the class sets `static tail`. */
  protected tail: string[] = [];

  protected override async init(): Promise<void> {
    const { head, tail } = splitTail(this.argv, tailRule(this.ctor), flagShapes(this.ctor));
    this.argv = plainWords(head, flagShapes(this.ctor));
    this.tail = tail;
    await super.init();
  }

  /**
   * Two habits of oclif are switched off. It fills a missing argument from standard input, which here belongs to the program
   * or to nobody; and a flag that may be given several times would swallow all words up to the next flag
   * (`bench --only vm FILE`).
   */
  protected override async parse<
    F extends Interfaces.OutputFlags<F>,
    B extends Interfaces.OutputFlags<B>,
    A extends Interfaces.OutputArgs<A>,
  >(options?: Interfaces.Input<F, B, A>, argv?: string[]): Promise<Interfaces.ParserOutput<F, B, A>> {
    const chosen = options ?? (this.ctor as unknown as Interfaces.Input<F, B, A>);
    const input = {
      ...pickInput(chosen),
      args: withEach(chosen.args, { ignoreStdin: true }),
      flags: withEach(chosen.flags, { multipleNonGreedy: true }),
    };
    return super.parse(input as Interfaces.Input<F, B, A>, argv);
  }

  /** Under --json the failure is the document; otherwise main.ts prints it. */
  protected override async catch(thrown: Error): Promise<void> {
    if (exitRequest(thrown) !== undefined) throw thrown;
    const error = this.withExitCode(thrown);
    if (!this.jsonEnabled()) throw error;
    const failure = describeFailure(error);
    process.exitCode = failure.exitCode;
    this.logJson(failureJson(failure));
  }

  /** A failure with an exit code of its own keeps it, and a bug does. */
  private withExitCode(thrown: Error): Error {
    const { failureExitCode: exitCode } = this.ctor as { failureExitCode?: number };
    const { blame, message, hint, exitCode: now } = describeFailure(thrown);
    if (exitCode === undefined || blame === 'bug' || now !== EXIT_CODES[blame]) return thrown;
    return new VlabError(blame, message, { exitCode, cause: thrown.cause, ...(hint === undefined ? {} : { hint }) });
  }

  /** oclif's own would print the whole parser input and configuration. */
  protected override toErrorJson(error: unknown): unknown {
    return failureJson(describeFailure(error));
  }
}

/** A command class as the dispatcher meets it. */
type CommandClass = Pick<typeof Command, 'flags' | 'baseFlags'>;

export function tailRule(command: CommandClass): TailRule {
  return (command as { tail?: TailRule }).tail ?? 'none';
}

export function flagShapes(command: CommandClass): Record<string, WordShape> {
  return { ...command.baseFlags, ...command.flags } as Record<string, WordShape>;
}

function withEach(definitions: object | undefined, more: object): Record<string, object> {
  return Object.fromEntries(
    Object.entries(definitions ?? {}).map(([name, definition]) => [name, { ...(definition as object), ...more }]),
  );
}

/** The parser's options are static properties of a class, which a spread of the class would lose when inherited. */
function pickInput<T extends object>(command: T): Partial<T> {
  const names = ['flags', 'baseFlags', 'args', 'strict', 'enableJsonFlag', 'constraints', '--'] as (keyof T)[];
  return Object.fromEntries(
    names.filter((name) => command[name] !== undefined).map((name) => [name, command[name]]),
  ) as Partial<T>;
}
