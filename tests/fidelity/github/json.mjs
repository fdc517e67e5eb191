// Lets `import x from "y.json"` work as the packages write it: they are made for bundlers, which need no attribute.
import {readFile} from "node:fs/promises";
import {register} from "node:module";

if (!process.argv.includes("--hooks")) register(import.meta.url);

export async function load(url, context, next) {
  if (!url.endsWith(".json")) return next(url, context);
  const text = await readFile(new URL(url), "utf8");
  return {format: "module", shortCircuit: true, source: `export default ${text}`};
}
