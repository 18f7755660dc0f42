export { kafkaConnection, redisTarget, type Config } from './config.ts'
export { keysOf } from './http-schema.ts'
export { configJsonSchema } from './json-schema.ts'
export { loadConfig } from './load.ts'
