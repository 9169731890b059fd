// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are written so
import { describe, expect, it } from 'vitest';
import { applyInstruction } from '../../../src/build/apply-instruction.js';
import { parseDockerfile } from '../../../src/build/dockerfile/parse-dockerfile.js';
import { beginStage } from '../../../src/build/stage-state.js';
import type { Step } from '../../../src/build/step.js';
import type { ImageRunConfig } from '../../../src/image/config.js';

const ARGS: Record<string, string> = { given: 'by build-arg' };

/** The steps of a stage on a base of that configuration. */
function steps(lines: string[], base: ImageRunConfig = {}, proxies: [string, string][] = []): Step[] {
  const { stages, file, escapeSign } = parseDockerfile(['FROM base', ...lines].join('\n'), 'Dockerfile');
  let state = beginStage(base);
  return (stages[0]?.instructions ?? []).map((instruction) => {
    const step = applyInstruction(instruction, state, { file, escapeSign, argValue: (name) => ARGS[name], proxies });
    state = step.state;
    return step;
  });
}
const configOf = (lines: string[], base?: ImageRunConfig) => steps(lines, base).at(-1)?.state.config;

describe('the configuration', () => {
  it.each<[string[], ImageRunConfig, ImageRunConfig]>([
    [['ENV a=1', 'ENV b=$a-${c:-x} a=2', 'ENV d=$a'], {}, { Env: ['a=2', 'b=1-x', 'd=2'] }],
    [['ARG x=1', 'ENV y=$x', 'ENV x=2', 'ENV z=$x'], {}, { Env: ['y=1', 'x=2', 'z=2'] }],
    [['ARG given=default', 'LABEL l=$given'], {}, { Labels: { l: 'by build-arg' } }],
    [['LABEL b=2'], { Labels: { a: '1' } }, { Labels: { a: '1', b: '2' } }],
    [['ENTRYPOINT ["a"]'], { Cmd: ['base'] }, { Entrypoint: ['a'] }],
    [['CMD ["own"]', 'ENTRYPOINT a b'], { Cmd: ['base'] }, { Cmd: ['own'], Entrypoint: ['/bin/sh', '-c', 'a b'] }],
    [['SHELL ["/bin/bash", "-c"]', 'CMD x'], {}, { Shell: ['/bin/bash', '-c'], Cmd: ['/bin/bash', '-c', 'x'] }],
    [['WORKDIR /a', 'WORKDIR b', 'WORKDIR ../c'], {}, { WorkingDir: '/a/c' }],
    [['EXPOSE 80 90-91/UDP'], {}, { ExposedPorts: { '80/tcp': {}, '90/udp': {}, '91/udp': {} } }],
    [['VOLUME /a /b'], { Volumes: { '/z': {} } }, { Volumes: { '/z': {}, '/a': {}, '/b': {} } }],
    [['HEALTHCHECK NONE'], {}, { Healthcheck: { Test: ['NONE'] } }],
    [
      ['HEALTHCHECK --interval=1s --retries=2 CMD a b'],
      {},
      { Healthcheck: { Test: ['CMD-SHELL', 'a b'], Interval: 1e9, Retries: 2 } },
    ],
    [['ONBUILD RUN x'], { OnBuild: ['RUN of the base'] }, { OnBuild: ['RUN x'] }],
    [['USER $given', 'STOPSIGNAL SIGINT'], {}, { User: '', StopSignal: 'SIGINT' }],
  ])('of %j', (lines, base, expected) => {
    expect(configOf(lines, base)).toEqual(expected);
  });

  it.each([
    ['EXPOSE 0', 'Dockerfile:2: invalid containerPort: 0'],
    ['STOPSIGNAL SIGX', 'Dockerfile:2: Invalid signal: SIGX'],
    ['COPY --chmod=9 a b', "invalid chmod parameter: '9'"],
    ['COPY a b c', 'must be a directory and end with a /'],
    ['ENV a=${b:?missing}', 'Dockerfile:2: b: missing'],
    ['RUN --network=some x', '--network is default, none or host, not some'],
    ['ENV a="b', 'double-quote'],
  ])('%s is refused', (line, message) => {
    expect(() => steps([line])).toThrow(message);
  });
});

describe('RUN', () => {
  it('sees ENV, ARG and proxies, and only ARG counts for the cache', () => {
    const [, , plain] = steps(['ENV e=1', 'ARG a=2', 'RUN x'], {}, [['HTTP_PROXY', 'p']]);
    expect(plain?.action).toMatchObject({ kind: 'run', args: ['/bin/sh', '-c', 'x'], cwd: '/' });
    expect(plain?.action).toMatchObject({ env: [expect.stringMatching(/^PATH=/), 'e=1', 'HTTP_PROXY=p', 'a=2'] });
    expect(plain?.createdBy).toBe('RUN |1 a=2 /bin/sh -c x');
    const [, , other] = steps(['ENV e=1', 'ARG a=3', 'RUN x']);
    const [, , proxied] = steps(['ENV e=1', 'ARG a=2', 'RUN x'], {}, [['HTTP_PROXY', 'q']]);
    expect(other?.key).not.toBe(plain?.key);
    expect(proxied?.key).toBe(plain?.key);
  });

  it('takes a here-document as its line, as the shell’s input, or as a file that is run', () => {
    const of = (...lines: string[]) => steps(lines)[0]?.action;
    expect(of('RUN <<EOF', 'a', 'b', 'EOF')).toMatchObject({ args: ['/bin/sh', '-c', 'a\nb\n'] });
    expect(of('RUN cat <<EOF >x', 'a', 'EOF')).toMatchObject({ args: ['/bin/sh', '-c', 'cat <<EOF >x\na\nEOF'] });
    expect(of('RUN <<EOF', '#!/bin/x', 'EOF')).toMatchObject({ args: [], script: '#!/bin/x\n' });
  });
});

describe('COPY', () => {
  it.each([
    ['COPY a /b', { destination: '/b', intoDirectory: false }],
    ['COPY a b/', { destination: '/made/b', intoDirectory: true }],
    ['COPY a .', { destination: '/made', intoDirectory: true }],
    ['COPY $given/x ${none:-y} /z/', { sources: ['by build-arg/x', 'y'], destination: '/z' }],
    ['COPY --chown=$given --chmod=0755 a b', { chown: 'by build-arg', mode: 0o755 }],
  ])('%s', (line, expected) => {
    const action = steps(['ARG given', 'WORKDIR /made', line]).at(-1)?.action;
    expect(action).toMatchObject({ kind: 'copy', copy: expected });
  });

  it('puts variables into here-documents whose name is not quoted, and leaves quotes alone', () => {
    const action = steps(['ENV a=1', 'COPY <<x <<"y" /d/', `'$a' \\$a`, 'x', '$a', 'y']).at(-1)?.action;
    expect(action).toMatchObject({
      copy: {
        files: [
          { name: 'x', content: "'1' $a\n" },
          { name: 'y', content: '$a\n' },
        ],
      },
    });
  });
});
