export type {
  Directory,
  Groups,
  GroupView,
  LocalFetch,
  LocalScroll,
  LocalSearch,
  LocalShards,
  Peers,
  Proposal,
} from './ports.ts';
