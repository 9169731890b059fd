/** The instructions of a Dockerfile as values. Variables are not put in yet: that needs the stage they stand in. */
import type { HereDocument } from './lines.js';

interface Placed {
  /** From 1. */
  line: number;
  /** As it is written, on one line. */
  text: string;
}

/** `RUN`, `CMD` and `ENTRYPOINT`: words (`["a", "b"]`), or a line for the shell. */
export type CommandForm = { kind: 'exec'; words: string[] } | { kind: 'shell'; line: string };

export interface Pair {
  key: string;
  /** Absent: `ARG name`. */
  value?: string;
}

export type Instruction = Placed &
  (
    | { kind: 'RUN'; command: CommandForm; hereDocuments: HereDocument[]; network?: string }
    | {
        kind: 'COPY' | 'ADD';
        from?: string;
        chown?: string;
        chmod?: string;
        checksum?: string;
        exclude: string[];
        parents: boolean;
        sources: string[];
        destination: string;
        hereDocuments: HereDocument[];
      }
    | { kind: 'ENV' | 'LABEL'; pairs: Pair[] }
    | { kind: 'ARG'; pairs: Pair[] }
    | { kind: 'CMD' | 'ENTRYPOINT'; command: CommandForm }
    | { kind: 'SHELL'; words: string[] }
    | { kind: 'EXPOSE' | 'VOLUME'; words: string[] }
    | { kind: 'USER' | 'WORKDIR' | 'STOPSIGNAL' | 'MAINTAINER'; value: string }
    | {
        kind: 'HEALTHCHECK';
        /** Absent: NONE. */
        command?: CommandForm;
        options: {
          intervalNs?: number;
          timeoutNs?: number;
          startPeriodNs?: number;
          startIntervalNs?: number;
          retries?: number;
        };
      }
    | { kind: 'ONBUILD'; trigger: string }
  );

export type InstructionOf<K extends Instruction['kind']> = Extract<Instruction, { kind: K }>;

export interface Stage {
  line: number;
  /** As it is written after FROM; variables are those of the ARGs before the first FROM. */
  base: string;
  platform?: string;
  name?: string;
  instructions: Instruction[];
}

export interface Dockerfile {
  file: string;
  escapeSign: string;
  /** The ARGs before the first FROM. */
  args: InstructionOf<'ARG'>[];
  stages: Stage[];
}
