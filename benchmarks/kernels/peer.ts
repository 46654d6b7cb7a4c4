/** A native program that runs the same operations: it answers a command such as `gemm 2048 2048 2048` with seconds. */
export interface Peer {
  /** What the ratios are to. */
  readonly name: string;
  /** Undefined where this peer has no such operation. */
  seconds(command: string): Promise<number | undefined>;
  close(): void;
}
