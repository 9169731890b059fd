/** Where the bytes of a blob go, piece by piece; the content store has one. */
export interface BlobTarget extends AsyncDisposable {
  /** Bytes that are there already, from an interrupted transfer. */
  readonly offset: number;
  write(chunk: Uint8Array): Promise<void>;
  /** Verifies size and digest, and makes it whole. Error (operation): they differ; nothing is kept. */
  commit(): Promise<void>;
  /** Forgets what is there. */
  restart(): Promise<void>;
}
