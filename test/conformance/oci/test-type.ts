import type { MachineNeed } from './machine.js';
import type { Scene } from './scene.js';

export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY';

/** One demand of the runtime specification (github.com/opencontainers/runtime-spec), which a runtime meets or not. */
export interface ConformanceTest {
  /** Where it stands, by file and heading: `config.md#root`. */
  section: string;
  level: Level;
  /** What must be seen; with its section it names the test. */
  title: string;
  /** The version that first asked for it, when that is later than 1.0.2. */
  since?: SpecVersion;
  /** What the machine must have to show it. */
  needs?: MachineNeed[];
  /** Resolves when it was seen; rejects with what was seen instead. */
  run(scene: Scene): Promise<void>;
}

export type SpecVersion = '1.0.2' | '1.1.0' | '1.2.0' | '1.3.0';

export function nameOf(test: ConformanceTest): string {
  return `${test.section}: ${test.title}`;
}

/** Thrown by a test that the runtime may leave undone. */
export class NotApplicable extends Error {}

type Make = (
  title: string,
  run: ConformanceTest['run'],
  more?: Pick<ConformanceTest, 'since' | 'needs'>,
) => ConformanceTest;

/** Makers of the tests of a section, by the word that the specification uses. */
export function under(section: string): Record<'must' | 'mustNot' | 'should' | 'shouldNot' | 'may', Make> {
  const maker =
    (level: Level): Make =>
    (title, run, more = {}) => ({ section, level, title, run, ...more });
  return {
    must: maker('MUST'),
    mustNot: maker('MUST NOT'),
    should: maker('SHOULD'),
    shouldNot: maker('SHOULD NOT'),
    may: maker('MAY'),
  };
}
