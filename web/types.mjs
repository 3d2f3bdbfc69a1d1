// node types.mjs OUT: the types that the client needs of the API. Headers, which have
// one form everywhere, and refusals, which are all problems, are left out.
import { readFileSync, writeFileSync } from 'node:fs'
import openapi, { astToString } from 'openapi-typescript'

const document = JSON.parse(readFileSync('../.tools/openapi.json', 'utf8'))
for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
  operation.parameters = operation.parameters?.filter((p) => p.in !== 'header')
  for (const [status, reply] of Object.entries(operation.responses)) {
    if (status >= '300') delete operation.responses[status]
    else delete reply.headers
  }
}
writeFileSync(process.argv[2], '// Made from the OpenAPI document: make web.\n' + astToString(await openapi(document)))
