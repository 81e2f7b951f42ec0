// Runs a tag template's code, or one of its tests, with stand-ins of Tag Manager's sandbox.
//
// Reads {code, setup, test, data, permissions} as JSON from stdin, prints {calls, logs, error}: the calls
// of every API in order. With `test`, that is run as Tag Manager runs it; else `code` with `data`.
// Permissions are enforced as the template declares them.
import { readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";
import { isDeepStrictEqual } from "node:util";
import { parse } from "../../../../snippet/node_modules/acorn/dist/acorn.mjs";

const { code, setup = "", test, data = {}, permissions } = JSON.parse(readFileSync(0, "utf8"));

// What the language of the sandbox has: no new, this, regular expression, class, template…
const ALLOWED = new Set([
  "Program", "VariableDeclaration", "VariableDeclarator", "Identifier", "Literal", "CallExpression",
  "MemberExpression", "ArrowFunctionExpression", "BlockStatement", "ExpressionStatement",
  "IfStatement", "WhileStatement", "ReturnStatement", "BinaryExpression", "LogicalExpression",
  "UnaryExpression", "ConditionalExpression", "ObjectExpression", "Property", "ArrayExpression",
  "AssignmentExpression",
]);

const check = (node) => {
  if (!node || typeof node.type != "string") return;
  if (!ALLOWED.has(node.type) || node.regex) throw new Error(`not in the sandbox: ${node.type}`);
  for (const value of Object.values(node)) [].concat(value).forEach(check);
};

const calls = [];
const mocks = {};

const globMatches = (pattern, text) => new RegExp(
  "^" + pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*") + "$",
).test(text);

const may = {
  inject_script: (url) => permissions.inject_script.some((pattern) => globMatches(pattern, url)),
  access_globals: (how, key) => !!(permissions.access_globals[key] || {})[how],
  access_consent: (type, how) => !!(permissions.access_consent[type] || {})[how],
  logging: () => !!permissions.logging,
};

const needs = {
  injectScript: (url) => [["inject_script", url]],
  copyFromWindow: (key) => [["access_globals", "read", key]],
  callInWindow: (key) => [["access_globals", "execute", key]],
  createArgumentsQueue: (name, array) => [name, array].flatMap((key) => [
    ["access_globals", "read", key], ["access_globals", "write", key],
  ]),
  isConsentGranted: (type) => [["access_consent", type, "read"]],
  addConsentListener: (type) => [["access_consent", type, "read"]],
  logToConsole: () => [["logging"]],
};

const real = {
  encodeUriComponent: (text) => encodeURIComponent(text),
  makeString: (value) => String(value),
  queryPermission: (name, ...about) => may[name](...about),
  logToConsole: () => {},
  copyFromWindow: () => undefined,
  callInWindow: () => {},
  createArgumentsQueue: () => () => {},
  isConsentGranted: () => true,
  addConsentListener: () => {},
  injectScript: (url, onSuccess) => onSuccess && onSuccess(),
  gtmOnSuccess: () => {},
  gtmOnFailure: () => {},
};

const api = (name) => (...given) => {
  if (!(name in real)) throw new Error(`there is no API ${name}`);
  calls.push([name, given.map((value) => typeof value == "function" ? "function" : value)]);
  for (const [permission, ...about] of needs[name] ? needs[name](...given) : []) {
    if (!may[permission](...about)) throw new Error(`no permission: ${permission} ${about}`);
  }
  if (!(name in mocks)) return real[name](...given);
  return typeof mocks[name] == "function" ? mocks[name](...given) : mocks[name];
};

// Nothing of Node or a page is there, as in the sandbox.
const evaluate = (source, names) => {
  check(parse(source, { ecmaVersion: 2020, allowReturnOutsideFunction: true }));
  const context = createContext({});
  return runInContext(`((${Object.keys(names)}) => {"use strict";\n${source}\n})`, context)(
    ...Object.values(names),
  );
};

const runCode = (given = {}) => evaluate(code, {
  require: (name) => {
    if (!(name in real) || name.startsWith("gtm")) throw new Error(`there is no API ${name}`);
    return api(name);
  },
  data: { ...given, gtmOnSuccess: api("gtmOnSuccess"), gtmOnFailure: api("gtmOnFailure") },
});

const say = (value) => JSON.stringify(value);
const expect = (holds, message) => {
  if (!holds) throw new Error(message);
};
const plain = (value) => value === undefined ? value : JSON.parse(say(value));

const testing = {
  runCode,
  mock: (name, value) => {
    if (!(name in real)) throw new Error(`there is no API ${name}`);
    mocks[name] = value;
  },
  assertApi: (name) => {
    if (!(name in real)) throw new Error(`there is no API ${name}`);
    const own = calls.filter((call) => call[0] == name).map((call) => call[1]);
    return {
      wasCalled: () => expect(own.length, `${name} wasn't called`),
      wasNotCalled: () => expect(!own.length, `${name} was called: ${say(own)}`),
      wasCalledWith: (...given) => expect(
        own.some((call) => isDeepStrictEqual(plain(call), plain(given))),
        `${name} was called with ${say(own)}`,
      ),
    };
  },
  assertThat: (actual) => ({
    isEqualTo: (expected) => expect(
      isDeepStrictEqual(plain(actual), plain(expected)), `${say(actual)} isn't ${say(expected)}`,
    ),
  }),
};

let error = null;
try {
  if (test === undefined) runCode(data);
  else evaluate(setup + "\n" + test, testing);
} catch (thrown) {
  error = String(thrown.message);
}
console.log(JSON.stringify({ calls, error }));
