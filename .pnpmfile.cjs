// pnpm announces a script, and its failure, on stdout. There `pnpm compress ... --json` must be alone and the last line of `pnpm check` must be last.
const quiet = process.argv.includes('compress') || process.argv.includes('check');

module.exports = { hooks: { updateConfig: (config) => (quiet ? { ...config, reporter: 'silent' } : config) } };
