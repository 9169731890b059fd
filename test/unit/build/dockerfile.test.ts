import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VlabError } from '../../../src/base/errors.js';
import { parseDockerfile } from '../../../src/build/dockerfile/parse-dockerfile.js';

const parse = (...lines: string[]) => parseDockerfile(lines.join('\n'), 'Dockerfile');
/** The instructions after `FROM scratch`. */
const of = (...lines: string[]) =>
  parse('FROM scratch', ...lines).stages[0]?.instructions.map(({ line: _, text: __, ...rest }) => rest);

describe('lines', () => {
  it('are put together over escaped ends, comments and empty lines', () => {
    expect(of('RUN a \\', '  # a comment', '', '  && b \\  ', '  && c')).toMatchObject([
      { command: { kind: 'shell', line: 'a   && b   && c' } },
    ]);
  });

  it('use the escape that the first line names', () => {
    const { stages } = parse('# escape=`', '# syntax=docker/dockerfile:1', 'FROM scratch', 'RUN a `', 'b\\', 'RUN c');
    expect(stages[0]?.instructions).toMatchObject([{ command: { line: 'a b\\' } }, { line: 6 }]);
    expect(() => parse('# escape=x', 'FROM scratch')).toThrow('Dockerfile:1: invalid ESCAPE');
    expect(parse('# a comment', '# escape=`', 'FROM scratch').escapeSign).toBe('\\');
  });

  it('hold here-documents', () => {
    expect(
      of('RUN <<EOF', 'a $b', '# no comment', 'EOF', 'COPY <<-"one" <<two /x/', '\t1', '\tone', '2', 'two'),
    ).toEqual([
      {
        kind: 'RUN',
        command: { kind: 'shell', line: '<<EOF' },
        hereDocuments: [{ name: 'EOF', content: 'a $b\n# no comment\n', expand: true }],
      },
      {
        kind: 'COPY',
        sources: [],
        destination: '/x/',
        exclude: [],
        parents: false,
        hereDocuments: [
          { name: 'one', content: '1\n', expand: false },
          { name: 'two', content: '2\n', expand: true },
        ],
      },
    ]);
    expect(() => of('RUN <<EOF', 'x')).toThrow('Dockerfile:2: unterminated heredoc <<EOF');
    expect(of('CMD echo <<EOF', 'RUN x')).toHaveLength(2);
  });
});

describe('instructions', () => {
  it.each([
    ['RUN ["a", "b c"]', { kind: 'RUN', command: { kind: 'exec', words: ['a', 'b c'] } }],
    ['RUN [a]', { command: { kind: 'shell', line: '[a]' } }],
    ['run --network=none a', { kind: 'RUN', network: 'none' }],
    ['ENV a b  c', { kind: 'ENV', pairs: [{ key: 'a', value: 'b  c' }] }],
    [
      'ENV a="b c" d=e\\ f',
      {
        pairs: [
          { key: 'a', value: '"b c"' },
          { key: 'd', value: 'e\\ f' },
        ],
      },
    ],
    ['ARG a b=c', { pairs: [{ key: 'a' }, { key: 'b', value: 'c' }] }],
    [
      'COPY --from=x --chown=1:2 --chmod=755 a b /c/',
      { from: 'x', chown: '1:2', chmod: '755', sources: ['a', 'b'], destination: '/c/' },
    ],
    ['COPY ["a b", "/c"]', { sources: ['a b'], destination: '/c' }],
    ['ADD --checksum=sha256:00 https://x/y /z', { kind: 'ADD', checksum: 'sha256:00' }],
    ['VOLUME ["/a", "/b"]', { words: ['/a', '/b'] }],
    ['EXPOSE 80 53/udp', { words: ['80', '53/udp'] }],
    ['SHELL ["/bin/bash", "-c"]', { words: ['/bin/bash', '-c'] }],
    ['HEALTHCHECK NONE', { kind: 'HEALTHCHECK', options: {} }],
    [
      'HEALTHCHECK --interval=1m30s --retries=3 CMD curl x',
      { options: { intervalNs: 90e9, retries: 3 }, command: { kind: 'shell', line: 'curl x' } },
    ],
    ['ONBUILD RUN x', { kind: 'ONBUILD', trigger: 'RUN x' }],
    ['CMD []', { kind: 'CMD', command: { kind: 'exec', words: [] } }],
  ])('%s', (line, expected) => {
    expect(of(line)?.[0]).toMatchObject(expected);
  });

  it.each([
    ['RUM x', 'Dockerfile:2: unknown instruction: RUM (did you mean RUN?)'],
    ['COPY --form=x a b', 'Dockerfile:2: unknown flag: --form (did you mean --from?)'],
    ['COPY --from a b', 'missing a value on flag: --from'],
    ['COPY --chmod=1 --chmod=2 a b', 'duplicate flag specified: --chmod'],
    ['COPY a', 'COPY requires at least two arguments'],
    ['RUN', 'RUN requires at least one argument'],
    ['RUN --mount=type=cache,target=/x y', 'RUN --mount is not supported here'],
    ['ENV a', 'ENV must have two arguments'],
    ['ENV a=1 b', 'can\'t find = in "b"'],
    ['SHELL /bin/sh', 'SHELL requires the arguments to be in JSON form'],
    ['HEALTHCHECK x', 'Unknown type "x" in HEALTHCHECK'],
    ['HEALTHCHECK --interval=1 CMD x', 'cannot be 1'],
    ['ONBUILD FROM x', "FROM isn't allowed as an ONBUILD trigger"],
    ['ONBUILD RUM x', 'unknown instruction: RUM'],
  ])('%s is refused', (line, message) => {
    expect(() => of(line)).toThrow(message);
  });
});

describe('stages', () => {
  it('have bases, names and platforms', () => {
    const { args, stages } = parse(
      'ARG v=1',
      'FROM --platform=$BUILDPLATFORM a:$v AS Build',
      'RUN x',
      'FROM build',
      'COPY . /',
    );
    expect(args).toMatchObject([{ pairs: [{ key: 'v', value: '1' }] }]);
    expect(stages).toMatchObject([
      { base: 'a:$v', name: 'build', platform: '$BUILDPLATFORM', instructions: [{ kind: 'RUN' }] },
      { base: 'build', instructions: [{ kind: 'COPY' }] },
    ]);
  });

  it.each([
    ['RUN x', 'Dockerfile:1: no build stage in current context'],
    ['', 'Dockerfile:1: there is no FROM in it'],
    ['FROM a b', 'FROM requires either one or three arguments'],
    ['FROM a AS 1x', 'invalid name for build stage: "1x"'],
    ['FROM a AS x\nFROM b AS X', 'Dockerfile:2: duplicate name X'],
  ])('%s is refused', (source, message) => {
    expect(() => parseDockerfile(source, 'Dockerfile')).toThrow(message);
  });

  it('of any text are read, or refused by line', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('FROM a', 'RUN <<E', 'E', 'COPY a b', 'ENV a="b', '# x', '\\', 'HEALTHCHECK --interval=1s CMD x'),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        try {
          parse(...lines);
        } catch (error) {
          expect(error).toBeInstanceOf(VlabError);
          expect((error as Error).message).toMatch(/^Dockerfile:\d+: /);
        }
      }),
    );
  });
});
