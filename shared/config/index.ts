export { kafkaConnection, redisTarget, type Config } from './config.ts'
export { configJsonSchema } from './json-schema.ts'
export { loadConfig } from './load.ts'
