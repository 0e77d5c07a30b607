// Validates an AsyncAPI document from standard input with the official parser; prints what it finds.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(0, "utf8"));
const found = diagnostics.map(({ code, severity, message, path }) => ({
  code,
  severity,
  message,
  path: path.join("."),
}));
const operations = document?.operations().all().map((operation) => operation.id()) ?? [];
process.stdout.write(JSON.stringify({ isValid: document !== undefined, found, operations }));
