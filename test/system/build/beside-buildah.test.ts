// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a Dockerfile are written so
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRoot, needs } from '../../skips.js';
import { BuildRoom, type BuiltTree, hasBuildah, hasBusybox } from './build-room.js';

/** Each Dockerfile is built by vlab and by buildah: the same files with the same owners and modes, the same configuration. */
const FIRST = ['FROM scratch', 'COPY busybox /bin/busybox', 'RUN ["/bin/busybox", "--install", "-s", "/bin"]'];

const DOCKERFILES: Record<string, string[]> = {
  'stages, ARG and ENV': [
    'ARG BASE=first',
    'ARG GLOBAL=global',
    ...FIRST.map((line) => (line.startsWith('FROM') ? `${line} AS first` : line)),
    'FROM ${BASE} AS second',
    'ARG GLOBAL',
    'ARG LOCAL=local',
    'ENV JOINED="$GLOBAL ${LOCAL:-none}" EMPTY=${NOTHING:-} OTHER=${NOTHING:+x}',
    'WORKDIR /made/$LOCAL',
    'RUN echo "$JOINED" > out && mkdir -m 700 private && chown 5:6 out',
    'FROM first AS unused',
    'RUN false',
    'FROM first',
    'COPY --from=second /made /result',
    'COPY --from=1 --chown=7:8 /made/local/out /result/again',
    'LABEL a=b c="d e" "f g"=h',
    'EXPOSE 80 53/udp',
    'VOLUME ["/data", "/more"]',
    'USER 1000:1000',
    'STOPSIGNAL SIGINT',
    'CMD ["sh"]',
    'ENTRYPOINT exec top -b',
  ],
  copies: [
    ...FIRST,
    'RUN mkdir -p /there/sub /other && ln -s /there /link && echo old > /there/a.txt',
    'COPY a.txt /file',
    'COPY a.txt /new/dir/',
    'COPY a.txt b.log /many/',
    'COPY *.txt /wild/',
    'COPY src /whole',
    'COPY src /there',
    'COPY src/ /link/below/',
    'COPY a.txt /there',
    'COPY . /everything/',
    'COPY --chmod=640 a.txt /modes/',
    'COPY --chown=11:12 src /owned/',
    'COPY ["with space", "/spaces/"]',
    'COPY src/deep/er/file src/link /flat/',
  ],
  archives: [
    ...FIRST,
    'RUN mkdir /into',
    'ADD archive.tar.gz /into',
    'ADD archive.tar.gz /unpacked/',
    'COPY archive.tar.gz /kept/',
    'ADD a.txt /added',
  ],
  removals: [
    ...FIRST.map((line) => (line.startsWith('FROM') ? `${line} AS first` : line)),
    'COPY src /tree',
    'RUN rm -r /tree/deep && rm /tree/f1',
    'RUN mkdir /tree/deep && echo new > /tree/deep/new && rm /bin/vi',
    'RUN rm -r /tree/deep && mkdir -m 711 /tree/deep',
    'COPY a.txt /tree/f1',
    'FROM first',
    'COPY --from=first /tree /copied',
    'COPY --from=first /bin/v* /v/',
  ],
  'ONBUILD, SHELL and CMD': [
    ...FIRST,
    'ONBUILD RUN echo no > /no',
    'SHELL ["/bin/sh", "-ec"]',
    'RUN echo $0 > /shell',
    'CMD ["echo", "hello"]',
    'HEALTHCHECK --interval=5s --retries=2 CMD ["true"]',
  ],
};

let room: BuildRoom;

beforeAll(() => {
  if (!isRoot || !hasBuildah || !hasBusybox) return;
  room = new BuildRoom();
  for (const path of ['a.txt', 'c.txt', 'b.log', 'x.tmp', 'with space', 'src/f1', 'src/deep/er/file'])
    room.file(path, `${path}\n`);
  room.file('src/run.sh', '#!/bin/sh\n', 0o755);
  room.file('src/empty/');
  room.file('src/kept.tmp', 'kept');
  room.link('src/link', 'f1');
  room.link('src/away', '/etc/passwd');
  room.file('.dockerignore', '**/*.tmp\n!src/kept.tmp\nDockerfile*\n');
  const tree = mkdtempSync('/run/vbt');
  writeFileSync(join(tree, 'one'), 'one');
  spawnSync('tar', ['-czf', join(room.context, 'archive.tar.gz'), '--owner=3', '--group=4', '-C', tree, 'one']);
  rmSync(tree, { recursive: true });
});
afterAll(() => room?.[Symbol.dispose]());

function comparable({ config: { config } }: BuiltTree): Record<string, unknown> {
  const { Labels = {}, ...rest } = config as { Labels?: Record<string, string> };
  const { 'io.buildah.version': _, ...labels } = Labels;
  const known = Object.entries({ ...rest, Labels: labels }).filter(([, value]) => !isEmpty(value));
  return Object.fromEntries(known.filter(([key]) => !NOT_OF_THE_DOCKERFILE.has(key)));
}

/** docker's old fields, which say nothing about the image. */
const NOT_OF_THE_DOCKERFILE = new Set(['Hostname', 'Image', 'ArgsEscaped']);

function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === '' ||
    value === false ||
    (typeof value === 'object' && Object.keys(value ?? {}).length === 0)
  );
}

describe('vlab build and buildah', () => {
  it.for(Object.entries(DOCKERFILES))('agree on %s', ([, lines], context) => {
    needs(context, 'root', isRoot);
    needs(context, 'buildah', hasBuildah);
    needs(context, 'busybox-static', hasBusybox);
    room.dockerfile(...lines);
    room.build();
    const [ours, theirs] = [room.ofVlab(), room.ofBuildah()];
    expect(ours.files).toEqual(theirs.files);
    expect(ours.sums).toEqual(theirs.sums);
    expect(comparable(ours)).toEqual(comparable(theirs));
  });
});
