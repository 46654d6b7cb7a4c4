/** Whether node-llama-cpp, and a build of llama.cpp for this machine, are there; says on the console what is skipped where they are not. */
export async function llamaCppRuns(): Promise<boolean> {
  try {
    const { getLlama } = await import('node-llama-cpp');
    await (await getLlama({ build: 'never', gpu: false, skipDownload: true })).dispose();
    return true;
  } catch (error) {
    console.warn(`SKIPPED: llama.cpp as a consumer of GGUF; node-llama-cpp does not run here: ${error}`);
    return false;
  }
}
