export { CONF_CHANGE_STEPS_MAX, decodeConfChange, encodeConfChange } from './confchange/codec.ts';
export { createRaft } from './raft.ts';
export { PENDING_READS_MAX } from './state.ts';
export * from './types.ts';
