// What GitHub's own packages say: JSON on stdin, JSON on stdout.
//   files: {name: text}; action: the text of action.yml, `OWNER/aws-web-deploy` and `./` in workflows
//   expressions: [source]; contexts: {name: value}
// Answers: diagnostics: {name: [text]}; jobs: {name: {job: [what each step is]}}; values: [{kind, value} or {error}]
import {readFileSync} from "node:fs";
import {Evaluator, Lexer, Parser, data} from "@actions/expressions";
import {validate} from "@actions/languageservice/validate";
import {convertWorkflowTemplate, parseWorkflow, NoOperationTraceWriter} from "@actions/workflow-parser";
import {TextDocument} from "vscode-languageserver-textdocument";
import {parse} from "yaml";

const given = JSON.parse(readFileSync(0, "utf8"));
const severities = {1: "error", 2: "warning", 3: "information", 4: "hint"};
const metadata = given.action ? parse(given.action) : undefined;
const config = {
  actionsMetadataProvider: {
    fetchActionMetadata: async ({name}) => (name === "aws-web-deploy" ? metadata : undefined),
  },
};

async function diagnose(name, text) {
  const found = await validate(TextDocument.create(`file:///${name}`, "yaml", 1, text), config);
  return found.map(
    ({severity, message, range}) => `${severities[severity]}: line ${range.start.line + 1}: ${message}`,
  );
}

async function jobs(name, text) {
  const parsed = parseWorkflow({name, content: text}, new NoOperationTraceWriter());
  const template = await convertWorkflowTemplate(parsed.context, parsed.value);
  return Object.fromEntries(
    (template.jobs ?? []).map(job => [job.id.value, (job.steps ?? []).map(step => (step.uses ?? step.run).toString())]),
  );
}

const contexts = given.contexts ?? {};
const context = JSON.parse(JSON.stringify(contexts), data.reviver);

function evaluate(source) {
  try {
    const parser = new Parser(new Lexer(source).lex().tokens, Object.keys(contexts), []);
    const result = new Evaluator(parser.parse(), context).evaluate();
    return {value: JSON.stringify(result, data.replacer), text: result.coerceString()};
  } catch (error) {
    return {error: String(error.message)};
  }
}

const answer = {diagnostics: {}, jobs: {}, values: []};
for (const [name, text] of Object.entries(given.files ?? {})) {
  answer.diagnostics[name] = await diagnose(name, text);
  if (!name.endsWith("action.yml")) answer.jobs[name] = await jobs(name, text);
}
answer.values = (given.expressions ?? []).map(evaluate);
console.log(JSON.stringify(answer));
