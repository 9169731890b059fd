/** Keeps the last bytes of an output that must always be drained: a full pipe would stop whoever writes to it. */
export class BoundedTail {
  private chunks: Buffer[] = [];
  private held = 0;

  constructor(private readonly maxBytes: number) {}

  add(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.held += chunk.length;
    while (this.chunks.length > 1 && this.held - (this.chunks[0]?.length ?? 0) >= this.maxBytes) {
      this.held -= this.chunks.shift()?.length ?? 0;
    }
  }

  get text(): string {
    return Buffer.concat(this.chunks).subarray(-this.maxBytes).toString('utf8');
  }
}
