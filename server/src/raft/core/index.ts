export { changeConf } from './confchange/change-conf.ts';
export { decodeConfChange, encodeConfChange } from './confchange/codec.ts';
export { createRaft } from './raft.ts';
export * from './types.ts';
