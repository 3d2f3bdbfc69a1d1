// node types.mjs OUT: the types of what the client uses of the API. Headers, which have
// one form everywhere, and refusals, which are all problems, are left out.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import openapi, { astToString } from 'openapi-typescript'

const sources = readdirSync('src', { recursive: true }).filter((name) => /(?<!\.d)\.tsx?$/.test(name)).map((name) => readFileSync(`src/${name}`, 'utf8')).join('')
const document = JSON.parse(readFileSync('../.tools/openapi.json', 'utf8'))
for (const [path, operations] of Object.entries(document.paths)) {
  if (!sources.includes(`'${path}'`)) delete document.paths[path]
  for (const operation of Object.values(operations)) {
    operation.parameters = operation.parameters?.filter((p) => p.in !== 'header')
    for (const [status, reply] of Object.entries(operation.responses)) {
      if (status >= '300') delete operation.responses[status]
      else delete reply.headers
    }
  }
}

// What nothing refers to any more goes too, and so on.
for (let names; (names = unused()).length > 0;) for (const name of names) delete document.components.schemas[name]

function unused() {
  const used = JSON.stringify(document)
  return Object.keys(document.components.schemas).filter((name) => !used.includes(`"#/components/schemas/${name}"`))
}

writeFileSync(process.argv[2], '// Made from the OpenAPI document: make web.\n' + astToString(await openapi(document)))
