export { BodyParser } from './body-parser.ts';
export { type BodyKind, type ParsedBodies, validateBody } from './parsed-body.ts';
