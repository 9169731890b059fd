/** What a layer may grow to while it is unpacked: more is taken for a decompression bomb. */
export interface LayerLimits {
  /** Bytes of the uncompressed stream, and of the files that it makes (holes of sparse files are not counted). */
  maxBytes: number;
  maxEntries: number;
  /** Uncompressed bytes for each compressed one, looked at beyond `ratioFromBytes`: a file of zeros is no bomb. */
  maxRatio: number;
  ratioFromBytes: number;
  /** Bytes of the pax headers and long names of one entry. */
  maxHeaderBytes: number;
}

export const DEFAULT_LIMITS: LayerLimits = {
  maxBytes: 64 * 2 ** 30,
  maxEntries: 5_000_000,
  maxRatio: 200,
  ratioFromBytes: 2 ** 30,
  maxHeaderBytes: 1 << 20,
};
