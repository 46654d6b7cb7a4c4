/** Milliseconds between two looks at the process. */
const INTERVAL = 500;

/** Watches the resident memory of the process. */
export interface MemoryMeter {
  /** Stops and returns the peak since the start, in bytes. */
  stop(): number;
}

export function watchMemory(): MemoryMeter {
  const before = highWater();
  let peak = process.memoryUsage.rss();
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, INTERVAL);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      // The system's own high water mark misses nothing, but it counts from the process's start: it is ours only if it rose since.
      const after = highWater();
      return after > before ? after : Math.max(peak, process.memoryUsage.rss());
    },
  };
}

function highWater(): number {
  return process.resourceUsage().maxRSS * 1024;
}
