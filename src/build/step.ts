/** What an instruction comes to in its stage: a value that somebody performs. */
import type { StageState } from './stage-state.js';

export interface CopyRequest {
  /** A stage or an image; absent: the context. */
  from?: string;
  sources: string[];
  /** Absolute. */
  destination: string;
  /** It ends with a slash: a directory, whatever is there. */
  intoDirectory: boolean;
  /** `USER[:GROUP]`, by name or number. */
  chown?: string;
  /** Octal. */
  mode?: number;
  exclude: string[];
  /** Directories of the sources are kept. */
  parents: boolean;
  /** ADD: archives are unpacked and addresses are fetched. */
  isAdd: boolean;
  checksum?: string;
  /** Here-documents. */
  files: { name: string; content: string }[];
}

export type StepAction =
  | { kind: 'config' }
  | {
      kind: 'run';
      /** With the shell. */
      args: string[];
      env: string[];
      user: string;
      cwd: string;
      network: 'default' | 'none' | 'host';
      /** Of a here-document that begins with `#!`: a file that is run. */
      script?: string;
    }
  | { kind: 'copy'; copy: CopyRequest }
  /** The directory is made where it is missing, for this user. */
  | { kind: 'directory'; path: string; user: string };

export interface Step {
  line: number;
  /** For people: as it is written. */
  text: string;
  /** For the image's history. */
  createdBy: string;
  /** What this step does, as text: with the content that it copies it makes the cache's key. */
  key: string;
  action: StepAction;
  /** After the step. */
  state: StageState;
}
