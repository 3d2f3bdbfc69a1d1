// The server that Hocuspocus publishes, as it is, on the port of the environment.
import { Server } from '@hocuspocus/server'

await new Server({ address: process.env.HOST, port: Number(process.env.PORT), quiet: true }).listen()
